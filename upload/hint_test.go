package upload_test

import (
	"strings"
	"testing"

	"roagent/upload"
)

// Each class says what it means and what to do, in words of its own; a class of a newer agent says that at least.
func TestHint(t *testing.T) {
	seen := map[string]string{}
	for _, class := range upload.ErrorClasses() {
		meaning, hint := upload.Hint(class)
		for _, text := range []string{meaning, hint} {
			if len(text) < 20 || !strings.HasSuffix(text, ".") {
				t.Errorf("%s: %q is no sentence", class, text)
			}
			if other := seen[text]; other != "" {
				t.Errorf("%s says the same as %s: %s", class, other, text)
			}
			seen[text] = class
		}
	}
	if meaning, hint := upload.Hint(""); meaning+hint != "" {
		t.Errorf("no error means %q: %q", meaning, hint)
	}
	unknown, _ := upload.Hint("of-tomorrow")
	if failed, _ := upload.Hint(upload.ErrorFailed); unknown != failed {
		t.Errorf("an unknown class means %q", unknown)
	}
}
