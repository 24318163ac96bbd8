package class

// spellings are the words of rules, each followed by the other ways in which databases write it.
const spellings = `
account acct accnt acnt acc
amount amt amnt
balance bal blnc
bank bnk banking
birth brth bth
card crd
charge chg chrg
company co cmpny
commission commn comsn
credit cr crdt cred
customer cust cst cstmr custmr custr
date dt dte
day dy
debit dbt
deposit dep dpst
driver drv drvr drvrs driv dri drivers
employee emp empl
expiry exp expir expire expiration expr expdt
federal fed
finance fin fnc fincl financial
holder hldr hld hlder
id ident identifier identification
insurance ins insur
interest int intr
inventory invty inv
lease lse leas leasing leased lessee lessor
license lic licence lcns licns lics licnse lcnse
lien lein
limit lmt
loan
month mo mth monthly mthly mnth
number no num nbr nmbr nr numb nums nbrs #
owner ownr
password passwd passwrd pwd pswd psswd pword pw passwort
payment pmt pymt paymt pymnt pmnt paymnt
payroll pyrl pyroll prll
percent pct perc
person pers
plate plt
rate rt
rating rtng
residual resid
routing rtg rout
salary salry
savings svgs
score scr
security sec secur scrty
social soc socl
spouse spse
state
status stat
tax
type typ
vehicle veh vhcl vehicles
wage
year yr
refund credits
value val
`

// joinable are further words that may stand in a name without anything between them.
const joinable = `
aba ach apr app approved applicant amex bday bdate buyer bureau balloon beacon cobuyer coapp code cap cost check checking cc ccn cvv cvc client credential
dda dir direct dl dln dob down dr dealer dlr entry ein fein feid fica fico financed fld gl guarantor gross history hourly iban itin ledger
last lender line lst member mstr name net new off old orig pan pass passcode payoff pay pin primary primry release report routing safe sale salesman
secret sin ss ssn ssan tech technician term tin token user usr vendor vndr vend web zip
`

// whole are words that must not be taken apart, nor for the plural of others: an assn is an association, pins are parts.
const whole = "assn coach chitin pins released releases releasing"

// forbiddenRules are what must not leave, by the kind that people know it by.
const forbiddenRules = `
a social security, tax or other government number:
	ssn
	ssan
	ss number
	soc sec
	social security
	social number
	social insurance
	= social
	sin
	itin
	= tin
	tin number
	customer tin
	vendor tin
	fein
	feid
	ein
	tax id
	tax number - exempt
	taxpayer
	tax payer
	federal id
	gst number
	hst number
	vat number
	passport
	national id
	government id
	alien number
a driver's licence:
	driver license
	dr license
	operator license
	dl number
	dl state
	dl st
	dl expiry
	dl class
	dl issue
	dl issued
	dl id
	dl country
	dl prov
	dl province
	= dl
	customer dl
	buyer dl
	cobuyer dl
	owner dl
	driver dl
	dln
	oln
	license number - plate tag vehicle car truck unit reg registration dealer dlr business software contractor vin shop serial
	license id - plate tag vehicle car truck unit reg registration dealer dlr business software contractor vin shop serial
	license state - plate tag vehicle car truck unit reg registration dealer dlr business software contractor vin shop
	license st - plate tag vehicle car truck unit reg registration dealer dlr business software contractor vin shop
	license expiry - plate tag vehicle car truck unit reg registration dealer dlr business software contractor vin shop
	license class - vehicle dealer dlr business software contractor
	customer license - plate tag vehicle
	owner license - plate tag vehicle
	buyer license - plate tag vehicle
	= license - plate tag vehicle car truck unit
a birth date:
	dob
	birth
	birthdate
	birthday
	birthyear
	bday
	bdate
	bdt
	b date
	b day
	born
lease data:
	lease
	money factor
	residual amount
	residual value
	residual percent
	= residual
	cap cost
	cap reduction
loan or lien data:
	loan - loaner car vehicle unit tool key phone
	ln balance
	ln payment
	ln payoff
	ln term
	ln holder
	lien
	lienholder
	payoff
	pay off
	finance company
	finance amount
	finance charge
	finance source
	finance term
	finance institution
	finance inst
	finance rate
	finance type
	finance balance
	finance payment
	finance plan
	finance bank
	finance reserve
	finance contract
	= finance
	financed
	financing
	apr - quantity qty sale sold demand unit units hrs hours used usage count may jun
	interest rate
	interest amount
	interest paid
	buy rate
	down payment
	downpayment
	cash down
	month payment
	first payment
	last payment amount
	payment remaining
	remaining payment
	balloon
	lender
	lendr
	lndr
	mortgage
	principal balance
	principal amount
	amortization
	repossession
	repossessed
	floorplan
	floor plan
bank data:
	bank - sensor cylinder cyl engine oxygen fuel trim bulb light
	iban
	aba
	routing number
	routing transit
	transit number - in
	ach
	eft
	swift code
	swift bic
	= bic
	bic code
	micr
	sort code
	check account
	checking account
	checking number
	savings account
	savings number
	direct deposit
	dir deposit
	= dda
	dda number
	dda account
	clabe
a payment card:
	credit card
	debit card
	payment card
	charge card
	card number - time key loyalty warranty service reward rewards punch report member membership access stock job inspection gift index
	card expiry - key loyalty warranty member membership access gift
	card type - time key loyalty warranty service reward rewards report
	card holder
	cardholder
	card name
	card last
	card token
	card cvv
	card auth
	card brand
	= card
	cc number
	cc expiry
	cc type
	cc last
	cc name
	cc holder
	cc auth
	cc token
	cc zip
	cc month
	cc year
	ccn
	cvv
	cvc
	cvn
	= pan
	pan number - oil
	primary account
	amex
credit data:
	credit limit
	credit score
	credit rating
	credit bureau
	credit app
	credit application
	credit line
	credit report
	credit history
	credit hold
	credit term
	credit check
	credit approval
	credit approved
	credit tier
	credit grade
	credit union
	credit balance
	credit available
	available credit
	customer credit
	line of credit
	= credit
	fico
	beacon score
	= beacon
	bureau score
	equifax
	experian
	transunion
	bankruptcy
	bankrupt
payroll data:
	payroll
	wage
	salary
	pay rate
	paycheck
	pay check
	paystub
	pay stub
	gross pay
	net pay
	hourly pay
	overtime pay
	ot pay
	vacation pay
	holiday pay
	sick pay
	base pay
	annual pay
	employee pay
	pay period
	pay grade
	pay scale
	earnings
	commission
	comm amount
	comm rate
	comm percent
	comm paid
	garnish
	garnishment
	withholding
	fica
	futa
	suta
	w 2
	401 k
	spiff
	spif
a general-ledger or other account:
	gl - trim model grade
	ledger
	chart of account
	coa
	account code
	sale account
	cost account
	inventory account
	expense account
	expiry account
	cogs account
	wip account
	ar account
	ap account
	income account
	asset account
	liability account
	revenue account
	control account
	ctl account
	ctrl account
	offset account
	debit account
	credit account
	cash account
	post account
	posting account
	account number - customer fleet service web email user portal loyalty dealer dlr vendor vend supplier member
	= account
a password or another secret:
	password
	passcode
	passphrase
	pass word
	pass code
	pass phrase
	= pin
	pin number - part king roll dowel
	pin code
	pin hash
	customer pin
	user pin
	usr pin
	employee pin
	web pin
	tech pin
	secret
	api key
	apikey
	private key
	encryption key
	access token
	auth token
	refresh token
	session token
	security question
	security answer
	security code - radio
	maiden
	credential
`

// telling is what no harmless word holds, begins with (ssn*) or ends with (*ssn).
const telling = `
	ssn*: a social security, tax or other government number
	*ssn: a social security, tax or other government number
	*socsec*: a social security, tax or other government number
	*taxid*: a social security, tax or other government number
	*drvlic*: a driver's licence
	*driverlic*: a driver's licence
	*driverslic*: a driver's licence
	*dob: a birth date
	*birthd*: a birth date
	*dateofbirth*: a birth date
	*lienh*: loan or lien data
	*loanb*: loan or lien data
	*amtfinanc*: loan or lien data
	*bankac*: bank data
	*routingn*: bank data
	*creditcard*: a payment card
	*creditlim*: credit data
	*creditsc*: credit data
	*payroll*: payroll data
	*glacc*: a general-ledger or other account
	*passw*: a password or another secret
`

// The rules of the other classes help people to look at a whitelist; nothing else depends on them.
const (
	consentRules = `
	opt out
	opt in
	optout
	optin
	consent
	privacy
	data protection
	do not
	dnc
	dnm
	unsubscribe
	unsubscribed
	solicit
	permission
`
	contactRules = `
	address
	addr
	street
	city
	postcode
	postal
	zip
	phone
	telephone
	tel
	mobile
	cell
	fax
	email
	mail
	uri
	contact
`
	identityRules = `
	given name
	family name
	first name
	firstname
	last name
	lastname
	middle name
	full name
	customer name
	owner name
	company name
	specified person
	specified organization
	owner party
	customer number
	customer id
`
	vehicleRules = `
	vin
	vehicle
	make
	model
	mileage
	odometer
	odo
	distance
	plate
	license
	engine
	color
	colour
	trim
`
	moneyRules = `
	price
	pricing
	amount
	cost
	charge
	total
	tax
	discount
	fee
	gross
	currency
	paid
	refund
	payment
	credit
`
)
