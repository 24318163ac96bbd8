package upload_test

import (
	"bytes"
	"encoding/base64"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"roagent/upload"
)

// FuzzKeyFile holds that any file is a key of the right length or an error that shows nothing of it.
func FuzzKeyFile(f *testing.F) {
	title := "roagent key 1\n"
	for _, seed := range []string{"", title, title + "AAAA", title + base64.StdEncoding.EncodeToString(make([]byte, upload.KeySize)) + "\n", "\xef\xbb\xbf" + title} {
		f.Add([]byte(seed))
	}
	path := filepath.Join(f.TempDir(), "queue.key")
	f.Fuzz(func(t *testing.T, text []byte) {
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		key, err := upload.LoadKey(path)
		if err == nil {
			if len(key) != upload.KeySize {
				t.Errorf("a key of %d bytes", len(key))
			}
			return
		}
		if _, ok := errors.AsType[*upload.KeyError](err); !ok {
			t.Errorf("%T: %v", err, err)
		}
		if body, ok := bytes.CutPrefix(text, []byte(title)); ok && len(body) > 20 && bytes.Contains([]byte(err.Error()), body) {
			t.Errorf("the error shows the file: %v", err)
		}
	})
}
