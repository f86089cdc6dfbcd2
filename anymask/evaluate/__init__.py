"""Measuring masks on labelled photographs: recall, clicks, boxes, scores; each with a bootstrap interval."""
