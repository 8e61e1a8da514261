"""The four ways to change a part of an object, and who owns which field."""
