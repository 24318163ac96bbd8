package supervisor

import (
	"crypto/sha1" //nolint:gosec // so the number is defined; it protects nothing
	"encoding/binary"
	"fmt"
	"strings"
	"unicode/utf16"
)

// virtualSID returns the number of a service's virtual account, which Windows derives from the service's name ('sc showsid'): it
// is known before the service is, and no directory has to be asked.
func virtualSID(service string) string {
	var name []byte
	for _, unit := range utf16.Encode([]rune(strings.ToUpper(service))) {
		name = binary.LittleEndian.AppendUint16(name, unit)
	}
	sum := sha1.Sum(name) //nolint:gosec // as above
	n := binary.LittleEndian.Uint32
	return fmt.Sprintf("S-1-5-80-%d-%d-%d-%d-%d", n(sum[0:]), n(sum[4:]), n(sum[8:]), n(sum[12:]), n(sum[16:]))
}
