package extract

import (
	"context"
	"encoding/binary"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"roagent/extract/extracttest"
)

func TestServerAddress(t *testing.T) {
	for server, want := range map[string][3]string{
		`dms01`:           {"dms01", "1433", ""},
		`dms01:1500`:      {"dms01", "1500", ""},
		`dms01\SERVICE`:   {"dms01", "", "SERVICE"},
		`.\SERVICE`:       {"localhost", "", "SERVICE"},
		`[::1]`:           {"::1", "1433", ""},
		`[::1]:1500`:      {"::1", "1500", ""},
		`[fe80::1]\OTHER`: {"fe80::1", "", "OTHER"},
	} {
		host, port, instance := ServerAddress(server)
		if got := [3]string{host, port, instance}; got != want {
			t.Errorf("%s: %v", server, got)
		}
	}
}

// A real exchange on UDP 1434; one with somebody who never answers ends with its context (complaint 15).
func TestBrowse(t *testing.T) {
	const text = `ServerName;DMS01;InstanceName;SERVICE;IsClustered;No;Version;15.0.2000.5;tcp;50123;np;\\DMS01\pipe\x;;` +
		`ServerName;DMS01;InstanceName;PIPES;IsClustered;No;Version;15.0.2000.5;;`
	host := extracttest.Browser(t, func(string) string { return text })
	got, err := Browse(t.Context(), host)
	if diff := cmp.Diff([]Instance{{"SERVICE", "50123"}, {"PIPES", ""}}, got); diff != "" || err != nil {
		t.Error(err, diff)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := Browse(ctx, extracttest.Browser(t, nil)); err == nil {
		t.Error("nobody answers, and there is no error")
	}
}

func TestParseInstances(t *testing.T) {
	answer := func(text string) []byte {
		return append(binary.LittleEndian.AppendUint16([]byte{5}, uint16(len(text))), text...)
	}
	for name, b := range map[string][]byte{"nothing": nil, "short": {5, 0}, "another kind": {6, 0, 0}, "another length": append(answer("x"), 'y')} {
		if _, err := parseInstances(b); !errors.Is(err, errBrowser) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, text := range []string{"", ";;", ";;;;;", "InstanceName", "tcp;1", "InstanceName;;tcp;1;;"} {
		if got, err := parseInstances(answer(text)); err != nil || len(got) > 0 {
			t.Errorf("%q: %v %v", text, got, err)
		}
	}
}

func FuzzParseInstances(f *testing.F) {
	f.Add([]byte("\x05\x1b\x00InstanceName;SERVICE;tcp;1;"))
	f.Fuzz(func(t *testing.T, b []byte) {
		found, _ := parseInstances(b)
		for _, i := range found {
			if i.Name == "" {
				t.Error("an instance without a name")
			}
		}
	})
}
