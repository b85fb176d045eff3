"""Making phantoms: their settings, their study folders and the doses that go with their truth."""
