"""What every room shares: verdict states and their merge, errors, clocks, provenance, redaction."""
