package fieldmap

import "strings"

// secretKind is what a value may be as a whole.
type secretKind int

const (
	ssnSecret secretKind = iota
	cardSecret
	ibanSecret
	routingSecret
	secretKinds

	noSecret secretKind = -1
)

// String names values of the kind.
func (k secretKind) String() string {
	return [...]string{"social security or tax numbers", "card numbers", "bank accounts (IBAN)", "bank routing numbers"}[k]
}

// The shortest secret is a routing number, the longest an IBAN of 34 characters in groups of four.
const (
	shortestSecret = 9
	longestSecret  = 42
)

// secretOf returns what a text has the shape of, and whether it passes that kind's check.
func secretOf(s string) (kind secretKind, passes bool) {
	if len(s) < shortestSecret || len(s) > longestSecret {
		return noSecret, false
	}
	switch c := s[0]; {
	case c >= '0' && c <= '9':
		return numberSecret(s)
	case c >= 'A' && c <= 'Z':
		return ibanOf(s)
	}
	return noSecret, false
}

// numberSecret looks at digits, with blanks or dashes between groups of them.
func numberSecret(s string) (kind secretKind, passes bool) {
	var buffer [19]byte
	digits := buffer[:0]
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c >= '0' && c <= '9' && len(digits) < cap(digits):
			digits = append(digits, c)
		case c == '.' && strings.Trim(s[i+1:], "0") == "":
			s = s[:i] // decimal(16,2); the loop ends here
		case (c == '-' || c == ' ') && i+1 < len(s) && s[i+1] != '-' && s[i+1] != ' ':
		default:
			return noSecret, false
		}
	}
	switch n := len(digits); {
	case n == 9 && len(s) == 11 && s[3] == s[6] && (s[3] == '-' || s[3] == ' '):
		return ssnSecret, isSSN(digits)
	case n == 9 && len(s) == 9 && routingPrefix(digits):
		return routingSecret, routingSum(digits)
	case n >= 13 && digits[0] >= '2' && digits[0] <= '6':
		return cardSecret, isCard(digits) && luhn(digits)
	}
	return noSecret, false
}

// isSSN reports whether nine digits in groups of 3, 2 and 4 can be a number of the Social Security Administration (areas
// 000, 666 and from 900, group 00 and serial 0000 are never given) or an ITIN of the IRS (9xx, groups from 50).
func isSSN(d []byte) bool {
	area, group, serial := string(d[:3]), string(d[3:5]), string(d[5:])
	if area == "000" || area == "666" || group == "00" || serial == "0000" {
		return false
	}
	return area < "900" || group >= "50"
}

// isCard reports whether digits have a network's prefix and length (ISO/IEC 7812).
func isCard(d []byte) bool {
	four := string(d[:4])
	between := func(from, to string) bool { return four[:len(from)] >= from && four[:len(to)] <= to }
	switch len(d) {
	case 13, 19:
		return between("4", "4")
	case 14:
		return between("300", "305") || between("36", "36") || between("38", "39") // Diners Club
	case 15:
		return between("34", "34") || between("37", "37") // American Express
	case 16:
		return between("4", "4") || between("51", "55") || between("2221", "2720") || // Visa, Mastercard
			between("6011", "6011") || between("644", "659") || between("3528", "3589") // Discover, JCB
	}
	return false
}

// luhn reports whether the last digit is the check digit of the others.
func luhn(d []byte) bool {
	sum := 0
	for i, c := range d {
		n := int(c - '0')
		if (len(d)-i)%2 == 0 {
			if n *= 2; n > 9 {
				n -= 9
			}
		}
		sum += n
	}
	return sum%10 == 0
}

// routingPrefix reports whether the first two digits are a Federal Reserve district's, a thrift's or an electronic one.
func routingPrefix(d []byte) bool {
	two := string(d[:2])
	return two >= "01" && two <= "12" || two >= "21" && two <= "32" || two >= "61" && two <= "72" || two == "80"
}

// routingSum is the check of the American Bankers Association: weights 3, 7 and 1.
func routingSum(d []byte) bool {
	sum := 0
	for i, c := range d {
		sum += int(c-'0') * [...]int{3, 7, 1}[i%3]
	}
	return sum%10 == 0
}

// ibanLengths are the lengths of IBANs by country, as the registry of ISO 13616 gives them.
const ibanLengths = "AD24 AE23 AT20 BE16 BG22 BR29 CH21 CR22 CY28 CZ24 DE22 DK18 DO28 EE20 ES24 FI18 FR27 GB22 GI23 GR27 GT28 HR21 HU28 IE22 IL23 IS26 " +
	"IT27 KW30 LI21 LT20 LU20 LV21 MC27 MT31 NL18 NO15 PL28 PT25 QA29 RO24 RS22 SA24 SE24 SI19 SK24 SM27 TR26 UA29"

// ibanOf looks at two letters of a country, two digits and an account, in groups of four or in one (ISO 13616).
func ibanOf(s string) (kind secretKind, passes bool) {
	if s[1] < 'A' || s[1] > 'Z' || s[2] < '0' || s[2] > '9' || s[3] < '0' || s[3] > '9' {
		return noSecret, false
	}
	s = strings.ReplaceAll(s, " ", "")
	at := strings.Index(ibanLengths, s[:2])
	if at < 0 || len(s) != int(ibanLengths[at+2]-'0')*10+int(ibanLengths[at+3]-'0') {
		return noSecret, false
	}
	rest := 0
	for _, c := range []byte(s[4:] + s[:4]) {
		switch {
		case c >= '0' && c <= '9':
			rest = (rest*10 + int(c-'0')) % 97
		case c >= 'A' && c <= 'Z':
			rest = (rest*100 + int(c-'A') + 10) % 97
		default:
			return noSecret, false
		}
	}
	return ibanSecret, rest == 1
}
