"""The server behind the visual editor: HTTP in, masks out, and nothing that was acknowledged is lost.

`app.py` puts everything together. A request goes through `guard.py` to one of `routes/`, which either reads and writes
the database (`images.py`, `objects.py`, over `database.py`) or lets a lane of `lanes.py` run something of
`workspace.py`, where pictures (`pictures.py`) and masks are opened, found and chosen.
"""
