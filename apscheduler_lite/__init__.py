"""An embeddable job scheduler."""
