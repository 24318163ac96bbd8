package freetext_test

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "rewrite the golden files")

const madeLines = 2200

// TestMade holds that testdata/made.txt is what maker makes: sentences of a workshop, with secrets and without.
func TestMade(t *testing.T) {
	const file = "testdata/made.txt"
	m := maker{rand.New(rand.NewPCG(1, 2))}
	var b strings.Builder
	b.WriteString("# Made by TestMade with -update. Every secret is made up. The marks are explained in hard.txt.\n")
	for range madeLines {
		b.WriteString(m.line() + "\n")
	}
	if *update {
		if err := os.WriteFile(file, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if have, err := os.ReadFile(file); err != nil || string(have) != b.String() {
		t.Errorf("%s is not what is made now (%v); run with -update", file, err)
	}
}

// maker makes labelled lines.
type maker struct{ r *rand.Rand }

func (m maker) pick(list ...string) string { return list[m.r.IntN(len(list))] }

func (m maker) chance(percent int) bool { return m.r.IntN(100) < percent }

// digits fills in a pattern: 0 is any digit, 2 is 2 to 9, A is a letter; everything else stands for itself.
func (m maker) digits(pattern string) string {
	var b strings.Builder
	for _, c := range pattern {
		switch c {
		case '0':
			c = '0' + rune(m.r.IntN(10))
		case '2':
			c = '2' + rune(m.r.IntN(8))
		case 'A':
			c = rune("ABCDEFGHJKLMNPRSTUVWXYZ"[m.r.IntN(23)])
		}
		b.WriteRune(c)
	}
	return b.String()
}

// line makes one narrative: what a technician writes, some numbers of the workshop, and in half of the lines a secret.
func (m maker) line() string {
	parts := []string{m.work()}
	for range m.r.IntN(3) {
		parts = append(parts, m.pick(m.work(), m.number(), m.number()))
	}
	if m.chance(50) {
		parts = append(parts, m.secret())
	}
	if m.chance(8) {
		parts = append(parts, m.secret())
	}
	m.r.Shuffle(len(parts), func(i, j int) { parts[i], parts[j] = parts[j], parts[i] })
	line := strings.Join(parts, m.pick(". ", ", ", "; ", " - ", ". ", ", "))
	if m.chance(60) {
		return cased(line, strings.ToUpper)
	}
	return cased(line, strings.ToLower)
}

// cased changes the case of a line but that of its marks.
func cased(line string, change func(string) string) string {
	var b strings.Builder
	for {
		before, marked, found := strings.Cut(line, "{")
		b.WriteString(change(before))
		if !found {
			return b.String()
		}
		kind, rest, _ := strings.Cut(marked, ":")
		secret, rest, _ := strings.Cut(rest, "}")
		b.WriteString("{" + kind + ":" + change(secret) + "}")
		line = rest
	}
}

func (m maker) work() string {
	side := m.pick("lf", "rf", "lr", "rr", "frt", "rear", "lh", "rh")
	thing := m.pick("brake pads", "rotor", "lca bushing", "wheel bearing", "strut", "cv axle", "caliper", "window regulator", "door lock act", "tpms sensor",
		"o2 sensor", "ignition coil", "water pump", "valve cover gskt", "blower motor", "fuel pump", "alternator", "starter", "battery", "purge vsv")
	return m.pick(
		"c/s "+thing+" noise "+side+", worse when cold", "cust states "+m.pick("a/c blows warm", "pulls right", "cel on", "no start this am", "vib at hwy spd"),
		"r&r "+side+" "+thing+", rd test ok", "replaced "+thing+" & cleared codes", "found "+thing+" "+m.pick("leaking", "cracked", "out of spec", "seized", "intermittent"),
		"perf "+m.pick("5k", "10k", "30k", "60k")+" svc, mpi done, rotated tires", "checked "+thing+", ok at this time", "could not duplicate, "+m.pick("advised cust", "no codes", "drove 12 mi"),
		"adv "+side+" "+thing+" due soon", "evac & recharge, vent temp 41f", "4-wheel align, set toe", "lube slides, torqued lugs to 76 ft-lb", "waiter", "see attached est, cust declined",
		"per tsb reflashed ecm", "sublet glass", "washed & vacuumed", "loaner out, fuel full", "comeback, see prev visit", "tow in, key in drop box")
}

// number makes a number that a workshop writes, which is no secret.
func (m maker) number() string {
	return m.pick(
		"p/n "+m.digits("00000-00000"), m.digits("00000-AA000"), m.digits("90915-YZZA0"), m.digits("00000-0A000")+" qty 2", "part "+m.digits("000000000"),
		"ro"+m.digits("2000000"), "ro "+m.digits("200000"), "ref ro# "+m.digits("2000000"), "claim "+m.digits("000000000"), "claim# "+m.digits("A0000000"),
		"vin "+m.vin(), m.vin(), "miles in "+m.digits("200000"), m.digits("20000")+" mi", "odo "+m.digits("200,000"),
		m.digits("P0000")+" "+m.digits("C2000"), "dtc "+m.digits("U0000"), m.digits("20")+" psi all 4", m.digits("225/60R20")+" dot "+m.digits("0000"),
		"torque "+m.digits("20")+" nm", "ttl "+m.digits("2,000.00"), "inv "+m.digits("200000")+" "+m.digits("200.00"), m.digits("2.0")+" hrs op "+m.digits("AAA00"),
		"s/n "+m.serial(), "serial "+m.digits("000000000000"), "tsb "+m.digits("T-SB-0000-20"), "radio code "+m.digits("00000"), "stock "+m.digits("A00000"),
		"tag "+m.digits("0AAA000"), "key# "+m.digits("00000"), "auth "+m.digits("000000"), "tracking "+m.digits("000000000000"), m.digits("12.00v 200 cca of 620"),
		"asn "+m.digits("0000000000"), "po "+m.digits("0000-000"), m.digits("10:00")+" am to "+m.digits("12:00"), "toe "+m.digits("0.00")+" camber "+m.digits("-0.00"),
		"comp "+m.digits("120-120-120-120"), "tire dates "+m.digits("0020 0020 0020 0020"), m.digits("0000000000")+" on box", "cal id "+m.digits("00000000"))
}

func (m maker) vin() string {
	return m.pick("4T1", "JTD", "2T3", "5TD", "5YF", "3TM") + m.digits("A00AA0A0000000")
}

// serial makes sixteen digits that are no card's: their last digit is wrong.
func (m maker) serial() string {
	s := m.digits(m.pick("4", "51", "6011", "9") + "000000000000000")[:16]
	return s[:15] + string('0'+(luhnDigit(s[:15])-'0'+1+byte(m.r.IntN(9)))%10)
}

func (m maker) secret() string {
	return [...]func() string{m.ssn, m.ssn, m.card, m.card, m.bank, m.licence, m.email, m.phone, m.phone, m.birthDate}[m.r.IntN(10)]()
}

func (m maker) ssn() string {
	area := fmt.Sprintf("%03d", m.pick3())
	group, serial := fmt.Sprintf("%02d", 1+m.r.IntN(99)), fmt.Sprintf("%04d", 1+m.r.IntN(9999))
	word := m.pick("ssn ", "ssn: ", "ss# ", "cust ssn ", "social ", "soc sec ", "social security # ", "ssn# ", "s.s.n. ", "ssn is ", "soc ", "spouse ssn ")
	switch m.r.IntN(10) {
	case 0, 1, 2:
		return word + "{ssn:" + area + group + serial + "}"
	case 3:
		return word + "{ssn:" + area + " " + group + " " + serial + "}"
	case 4:
		return word + "{ssn:" + area + "." + group + "." + serial + "}"
	case 5:
		return m.pick("form shows ", "found paper w/ ", "cust gave ", "for rental ") + "{ssn:" + area + "-" + group + "-" + serial + "}"
	}
	return word + "{ssn:" + area + "-" + group + "-" + serial + "}"
}

// pick3 is an area number, now and then one of those that are a taxpayer's (9xx).
func (m maker) pick3() int {
	if m.chance(5) {
		return 900 + m.r.IntN(100)
	}
	if n := 1 + m.r.IntN(772); n != 666 {
		return n
	}
	return 123
}

func (m maker) card() string {
	issuer := [...]struct {
		prefix string
		length int
		groups []int
	}{
		{"4", 16, []int{4, 4, 4, 4}},
		{"5" + string('1'+byte(m.r.IntN(5))), 16, []int{4, 4, 4, 4}},
		{m.pick("34", "37"), 15, []int{4, 6, 5}},
		{m.pick("6011", "65", "644"), 16, []int{4, 4, 4, 4}},
		{m.pick("36", "38", "3005"), 14, []int{4, 6, 4}},
		{"35" + m.pick("28", "30", "89"), 16, []int{4, 4, 4, 4}},
		{m.pick("2221", "2720", "2500"), 16, []int{4, 4, 4, 4}},
	}[[...]int{0, 0, 0, 0, 1, 1, 1, 2, 2, 3, 4, 5, 6}[m.r.IntN(13)]]
	digits := issuer.prefix + m.digits(strings.Repeat("0", issuer.length))
	digits = digits[:issuer.length-1]
	digits += string(luhnDigit(digits))
	if gap := m.pick("", "", " ", " ", "-", "."); gap != "" {
		var groups []string
		for _, size := range issuer.groups {
			groups, digits = append(groups, digits[:size]), digits[size:]
		}
		digits = strings.Join(groups, gap)
	}
	return m.pick("cc ", "card ", "cc# ", "visa/mc ", "ran ", "card on file ", "deposit ", "cust cc: ", "pd w/ ", "use ", "") + "{card:" + digits + "}" +
		m.pick("", "", " exp "+m.digits("0")+"/27", " cvv "+m.digits("000"), " declined")
}

func luhnDigit(digits string) byte {
	sum := 0
	for i := range len(digits) {
		d := int(digits[len(digits)-1-i] - '0')
		if i%2 == 0 {
			d = d*2%10 + d*2/10
		}
		sum += d
	}
	return '0' + byte((10-sum%10)%10)
}

func (m maker) bank() string {
	switch m.r.IntN(3) {
	case 0:
		iban := m.iban()
		if m.chance(50) {
			for at := 4; at < len(iban); at += 5 {
				iban = iban[:at] + " " + iban[at:]
			}
		}
		return m.pick("iban ", "refund to ", "wire to iban ", "iban: ") + "{bank:" + iban + "}"
	case 1:
		return m.pick("checking acct ", "bank acct# ", "savings account ", "bank account no. ") + "{bank:" + m.digits("0000000000") + "}"
	}
	return m.pick("routing ", "rtg# ", "aba ", "routing no. ", "ach rtn ") + "{bank:" + m.routing() + "}" + m.pick("", " acct {bank:"+m.digits("00000000")+"}")
}

func (m maker) routing() string {
	digits := m.pick("01", "02", "11", "12", "26", "32", "07") + m.digits("000000")
	sum := 0
	for i := range len(digits) {
		sum += int(digits[i]-'0') * [...]int{3, 7, 1}[i%3]
	}
	return digits + string('0'+byte((10-sum%10)%10))
}

func (m maker) iban() string {
	country, rest := "DE", m.digits("000000000000000000")
	if m.chance(50) {
		country, rest = "GB", "NWBK"+m.digits("00000000000000")
	}
	remainder := 0
	for _, c := range rest + country + "00" {
		if c >= 'A' {
			remainder = (remainder*100 + int(c-'A') + 10) % 97
		} else {
			remainder = (remainder*10 + int(c-'0')) % 97
		}
	}
	return country + fmt.Sprintf("%02d", 98-remainder) + rest
}

func (m maker) licence() string {
	number := m.digits(m.pick("A0000000", "A0000000", "00000000", "A000-000-00-000-0", "A000-0000-0000", "000000000", "000 000 000", "A00000000", "AA000000", "A0000-00000-00000"))
	return m.pick("dl ", "d/l ", "dl# ", "ca dl ", "driver lic ", "drivers license ", "driver's lic # ", "dl: ", "dln ", "loaner dl ") + "{licence:" + number + "}"
}

func (m maker) email() string {
	name := m.pick("jsmith", "mary.lopez", "r_nguyen", "bob", "t.okafor", "wei-chen", "dkim") + m.pick("", m.digits("00"), "+car", "1961")
	return m.pick("email ", "email: ", "inv to ", "send est to ", "") + "{email:" + name + "@" + m.pick("example.com", "mail.example.net", "example.org", "example.co.uk", "shop.example.us") + "}"
}

func (m maker) phone() string {
	area := m.pick("626", "818", "213", "310", "909", "714", "415", "702")
	local := "01" + m.digits("00")
	number := m.pick(area+"-555-"+local, area+"-555-"+local, "("+area+") 555-"+local, area+".555."+local, area+" 555 "+local, "1-"+area+"-555-"+local, "("+area+")555-"+local)
	switch m.r.IntN(6) {
	case 0:
		return m.pick("ph ", "cell ", "phone# ", "tel ", "mobile ") + "{phone:" + area + "555" + local + "}"
	case 1:
		return m.pick("ph ", "call ", "cell ", "text ") + "{phone:555-" + local + "}"
	}
	return m.pick("call ", "call cust ", "cell ", "ph ", "ph# ", "text ", "wife ", "contact ", "lm ", "cb ") + "{phone:" + number + "}" + m.pick("", " when done", " b4 5", " x12")
}

func (m maker) birthDate() string {
	month, day, year := 1+m.r.IntN(12), 1+m.r.IntN(28), 1935+m.r.IntN(70)
	name := [...]string{"jan", "feb", "march", "apr", "may", "june", "july", "aug", "sept", "oct", "nov", "december"}[month-1]
	date := m.pick(fmt.Sprintf("%d/%d/%d", month, day, year), fmt.Sprintf("%02d/%02d/%02d", month, day, year%100), fmt.Sprintf("%02d-%02d-%d", month, day, year),
		fmt.Sprintf("%d-%02d-%02d", year, month, day), fmt.Sprintf("%s %d %d", name, day, year), fmt.Sprintf("%s %d, %d", name, day, year), fmt.Sprintf("%02d%02d%d", month, day, year),
		fmt.Sprintf("%d.%d.%02d", month, day, year%100), fmt.Sprintf("%d %s %02d", day, name, year%100))
	return m.pick("dob ", "dob: ", "d.o.b. ", "born ", "date of birth ", "birth date ", "dob is ", "cust dob ") + "{birth_date:" + date + "}"
}
