package draft

import (
	"slices"
	"strings"
	"unicode"
)

// lexicon is the words of a repair shop, each followed by the other ways in which databases write it; words that belong
// together are joined with +. What stands first is the word of patterns.go.
const lexicon = `
ro repair+order repair+ord rep+order work+order service+order svc+order serv+order srv+order workorder repairorder serviceorder wo wip auftrag werkstattauftrag reparaturauftrag orden+servicio orden+trabajo orden+reparacion
order ord orders orden
number no num nbr nmbr nr numero numb # nummer
id ident
key
line ln lin lines zeile posicion pos position linea
seq sequence sq sequencia
job jb jobs
operation op ops oper opn operacion
operation+code opcode opcd opcod lopcode lopcd oc
code cd cod cde codigo
labor labour lbr lab lbor arbeit arbeitswert mano+de+obra
part parts pt prt prts teil teile teile+nr ersatzteil refaccion repuesto pieza piezas
part+number pn pnum partno pno prtno
item itm
customer cust cst customers client cliente clientes kunde kunden cus kd
owner ownr halter
vehicle veh vhcl vehicles fahrzeug fahrzeuge fzg vehiculo vehiculos car
vin fahrgestellnummer fahrgestell fin bastidor vinno
make mk mke marca marke hersteller manufacturer mfr
model mdl modelo modell modl mod
year yr jahr anio ano baujahr
model+year modelyear mdlyr my
mileage mil mile miles milage mlg odometer odo odom odometro kilometerstand kmstand kilometraje mi laufleistung
km kms kilometer kilometers kilometros
in ein entrada
out aus salida
mileage+in mili miin mlin mlgin kmin odoin
mileage+out milo miout mlout mlgout kmout odoout
open opened opn opnd created create start begin received recv annahme eroeffnet eroeffnung apertura abierta entry written
close closed cls clsd clos complete completed completion compl cmpl comp finish finished final cierre cerrado cerrada fertig abschluss geschlossen abgeschlossen
invoice inv invoiced invc posted rechnung factura facturado cashier cashiered
invoice+number invno
close+date cdt cldt clsdt closedt
open+date odt opdt opendt
invoice+date idt invdt
date dt dte datum fecha day at datetime dttm timestamp stamp on
time tm tme hora zeit uhrzeit
promise promised prom due appointment appt estimate estimated est expected
change changed chg chgd update updated upd updt modified modify lastupdate lastmod lastchange lastchanged lastupd geaendert aenderung modificado
last lst letzte ultimo
status stat sts stt estado
type typ tipo art
kind
class category cat
pay payer billto bill+to paytype zahlung pago billing
pay+type ptype pytp pytyp ptyp paytyp
charge chg+to
advisor adviser adv sa writer wrtr wtr asesor berater service+advisor service+writer svc+advisor svc+adv serviceberater
tech technician techn mechanic mech tecnico mechaniker mecanico tch
employee emp empl mitarbeiter empleado
hours hrs hr hour std+hours stunden horas
actual act actl worked clocked istzeit
allowed allow sold flat flatrate flag standard sollzeit bill billed
complaint concern cncrn symptom customer+states beanstandung queja compln cmplt cust+states
cause causa ursache caus
correction corr correct corrected corrn remedy resolution correccion crct work+performed
description desc descr dsc dscr descrip bezeichnung bezeichn descripcion beschreibung desc1
text txt txt1
note notes nte comment comments cmt cmts remark remarks rmk memo notas bemerkung
story
quantity qty qt quan cantidad menge cant qnty qnt anzahl
price prc precio preis sell retail list
amount amt amnt total tot betrag importe monto ext extended netto
cost cst+amt costo kosten
name nm nombre
given first fst frst vorname firstname fname given+name first+name
family surname lastname lname nachname apellido apellidos last+name family+name
company firma empresa
address addr adr address1 addr1 street straße strasse calle direccion domicilio
city ort ciudad
state bundesland
zip postal postcode plz cp zipcode
phone tel telephone ph mobile cell cel handy telefon telefono fon phone1
email mail correo e+mail emailaddress
plate plt kennzeichen placa matricula license+plate plate+no
store dealer dlr branch location site filiale sucursal rooftop
company+number cono cmpno
department dept dep abteilung
campaign recall camp
percent pct
header hdr head kopf cabecera encabezado
detail dtl det details detalle
history hist archive arch backup bak old deleted purged historie historico archiv
temporary temp tmp test staging stg import export log audit queue trace copy
catalog master mstr inventory stock bin warehouse lager inventario katalog lookup codes types reference ref config setup setting
sale sales deal deals purchase po quote lead prospect finance bodyshop
internal int intern
warranty wty warr garantie garantia
print printed prt+flag
previous prev prior
next
master
flag ind indicator yn flg
`

// lexis finds words in names.
type lexis struct {
	words   map[string]string // one word to its canonical words, joined with +
	phrases []phrase          // longest first
}

type phrase struct {
	words []string
	one   string
}

func newLexis() *lexis {
	x := &lexis{words: map[string]string{}}
	for line := range strings.Lines(lexicon) {
		synonyms := strings.Fields(line)
		for _, s := range synonyms {
			if !strings.Contains(s, "+") {
				if _, taken := x.words[s]; !taken {
					x.words[s] = synonyms[0]
				}
			} else if s != synonyms[0] {
				x.phrases = append(x.phrases, phrase{strings.Split(s, "+"), synonyms[0]})
			}
		}
	}
	return x
}

// read returns the canonical words of a name.
func (x *lexis) read(name string) []string {
	raw := splitName(name)
	var words []string
	for i := 0; i < len(raw); {
		if p, n := x.phraseAt(raw[i:]); n > 0 {
			words = append(words, strings.Split(p, "+")...)
			i += n
			continue
		}
		words = append(words, x.word(raw[i])...)
		i++
	}
	return words
}

func (x *lexis) phraseAt(raw []string) (one string, n int) {
	for _, p := range x.phrases {
		if len(p.words) <= n || len(p.words) > len(raw) {
			continue
		}
		same := true
		for i, w := range p.words {
			same = same && w == raw[i]
		}
		if same {
			one, n = p.one, len(p.words)
		}
	}
	return one, n
}

// word returns the canonical words of one word of a name, taken apart where nothing separates them: RONO is RO NO.
func (x *lexis) word(w string) []string {
	if one, ok := x.words[w]; ok {
		return strings.Split(one, "+")
	}
	if singular, plural := strings.CutSuffix(w, "s"); plural {
		if one, ok := x.words[singular]; ok {
			return strings.Split(one, "+")
		}
	}
	parts := x.apart(w)
	if parts == nil && len(w) > 3 { // RSTAT, PDESC: the letter is its table's
		if one, ok := x.words[w[1:]]; ok && w[0] < 0x80 {
			return strings.Split(one, "+")
		}
	}
	if parts == nil {
		return []string{w}
	}
	if p, n := x.phraseAt(parts); n == len(parts) {
		return strings.Split(p, "+")
	}
	var words []string
	for _, part := range parts {
		words = append(words, strings.Split(x.words[part], "+")...)
	}
	return words
}

// apart returns the fewest known words that make up a word; nil where none do.
func (x *lexis) apart(w string) []string {
	const longest = 40
	if len(w) > longest {
		return nil
	}
	best := make([][]string, len(w)+1)
	best[0] = []string{}
	for end := 2; end <= len(w); end++ {
		for from := 0; from <= end-2; from++ {
			part := w[from:end]
			if _, known := x.words[part]; !known || best[from] == nil {
				continue
			}
			if best[end] == nil || len(best[from])+1 < len(best[end]) {
				best[end] = append(slices.Clip(best[from]), part)
			}
		}
	}
	return best[len(w)]
}

// splitName splits a name where its spelling marks words: at anything but letters and digits, and at a change of case.
// Numbers are no words: they tell the first address line from the second.
func splitName(name string) []string {
	var words []string
	runes := []rune(name)
	start := -1
	cut := func(end int) {
		if start >= 0 && end > start {
			words = append(words, strings.ToLower(string(runes[start:end])))
		}
		start = -1
	}
	for i, r := range runes {
		switch {
		case r == '#':
			cut(i)
			words = append(words, "#")
		case !unicode.IsLetter(r):
			cut(i)
		case start < 0:
			start = i
		case unicode.IsUpper(r) && (unicode.IsLower(runes[i-1]) || i+1 < len(runes) && unicode.IsLower(runes[i+1])):
			cut(i)
			start = i
		}
	}
	cut(len(runes))
	return words
}
