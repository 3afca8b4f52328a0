"""store: the database and the disk. Knows kit and nothing above; the only place that commits."""
