"""What a dataset holds that makes scores mean less than they seem: the looks of doctor."""
