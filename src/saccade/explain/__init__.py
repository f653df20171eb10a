"""Looking into a trained network: its filters, its maps, and what in an image its answer rests on."""
