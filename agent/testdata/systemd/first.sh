# The first boot: a machine on which roagent is installed by its own command. See service_systemd_test.go for `check`.
DATA=/var/lib/roagent

check 'nobody but root may install' refused 2 'run it again with sudo' setpriv --reuid=65534 --clear-groups roagent service install
check 'a start of what is not installed' refused 2 'service install' roagent service start
check 'status of what is not installed' refused 1 'not installed' roagent service status

cp /etc/roagent/roagent.yaml /tmp/good.yaml
sed -i 's/^dealer:/daeler:/' /etc/roagent/roagent.yaml
check 'a configuration with mistakes is not installed' refused 2 'daeler' roagent service install
check 'it leaves no account behind' not getent passwd roagent
cp /tmp/good.yaml /etc/roagent/roagent.yaml

sed 's#^fieldmap: .*#fieldmap: /root/only/fieldmap.yaml#; s#^data_dir: .*#data_dir: /var/lib/undone#' /tmp/good.yaml >/srv/undone.yaml
mkdir -m 700 /root/only && cp /etc/roagent/fieldmap.yaml /root/only/
check 'files that the account cannot read are refused' refused 2 'cannot use it' roagent service install --name undone --config /srv/undone.yaml
check 'the account made for it is gone' not getent passwd roagent-undone
check 'the folder made for it is gone' not test -e /var/lib/undone
check 'no unit is left of it' not test -e /etc/systemd/system/roagent-undone.service
check 'the file has its group again' equal 0 "$(stat -c %g /root/only/fieldmap.yaml)"

check 'install' roagent service install
check 'install again' roagent service install
check 'another account takes configure' refused 2 'service configure --account' roagent service install --account daemon
check 'data folder' equal '700 roagent' "$(stat -c '%a %U' $DATA)"
check 'configuration folder' equal '750 root roagent' "$(stat -c '%a %U %G' /etc/roagent)"
check 'configuration file' equal '640 root roagent' "$(stat -c '%a %U %G' /etc/roagent/roagent.yaml)"
check 'the unit is as printed' cmp <(roagent service install --print) /etc/systemd/system/roagent.service
check 'systemd has nothing to say about the unit' equal '' "$(systemd-analyze verify /etc/systemd/system/roagent.service 2>&1 | grep roagent)"
systemd-analyze security --offline=true --threshold=15 /etc/systemd/system/roagent.service >/tmp/exposure
check 'exposure is at most 1.5' equal 0 $?
tail -1 /tmp/exposure

roagent credential set collector </srv/token
check 'a credential set by root is the account'"'"'s' equal '600 roagent' "$(stat -c '%a %U' $DATA/credentials/collector)"
check 'approval by root' roagent fieldmap approve --by 'Dana Dealer'
check 'nothing of root is in the data folder' equal '' "$(find $DATA ! -user roagent)"

check 'start' roagent service start
check 'status' roagent service status
check 'it runs as its account' equal roagent "$(ps -o user= -p "$(pid roagent)")"
cp /etc/roagent/*.yaml /srv/ && mv /srv/roagent.yaml /srv/copy.yaml
check 'check holds' roagent check
check 'check finds the service' grep -q '^ok  *service  *roagent runs as roagent, and starts with the machine' <(roagent check)
check 'check says when it pulls' grep -q '^ok  *next run  *[A-Z]' <(roagent check)
check 'check as the account' grep -q '^ok  *queue ' <(setpriv --reuid roagent --regid roagent --init-groups roagent check)
check 'check as another account says as whom' grep -q 'run check as the account of the service' <(setpriv --reuid nobody --clear-groups roagent check --config /srv/copy.yaml)
check 'levels in the journal' test -n "$(journalctl -u roagent -p info --output=cat --grep='msg=waiting')"

before=$(pid roagent)
kill -9 "$before"
check 'killed, it is back within 5 s' within 5 'other roagent $before'

mkdir -p /etc/systemd/system/roagent.service.d
printf '[Service]\nWatchdogSec=5s\nTimeoutAbortSec=2s\n' >/etc/systemd/system/roagent.service.d/test.conf
systemctl daemon-reload
roagent service restart
sleep 12
check 'the watchdog is fed' equal 0 "$(systemctl show -p NRestarts --value roagent)"
before=$(pid roagent)
kill -STOP "$before"
check 'hung, it is started again by the watchdog' within 20 'other roagent $before'
rm -r /etc/systemd/system/roagent.service.d
systemctl daemon-reload

before=$(pid roagent)
kill "$before"
check 'ended by a stray signal, it is back' within 5 'other roagent $before'

# The next minute it pulls.
sed -i 's#^log: .*#schedule: {pull: "* * * * *", spread: 0s, settle: 0s}\nlog: {level: info}#' /etc/roagent/roagent.yaml
roagent service restart
check 'a pull begins' within 75 'grep -q "reading week" <(journalctl -u roagent -o cat)'
began=$SECONDS
roagent service stop
check 'in a pull it stops within 5 s' test $((SECONDS - began)) -le 5
check 'the stop came in the pull' grep -q 'week not finished' <(journalctl -u roagent -o cat)

systemctl kill --signal=STOP collector
roagent service start
check 'what is queued is sent, to a collector that hangs' within 20 'grep -q "at work" <(roagent service status)'
sleep 2
began=$SECONDS
roagent service stop
check 'in a send it stops within 5 s' test $((SECONDS - began)) -le 5
check 'no stop needed a SIGKILL' not grep -q SIGKILL <(journalctl -u roagent -o cat)
systemctl kill --signal=CONT collector
roagent service start
check 'the week arrives' within 120 'test -e /srv/collector/dealers/04123/*/manifest.json'

check 'a failed start says why' refused 1 'It said last' bash -c 'sed -i s/^dms:/dsm:/ /etc/roagent/roagent.yaml; roagent service restart'
sed -i s/^dsm:/dms:/ /etc/roagent/roagent.yaml
sleep 3
check 'a wrong configuration is not started again and again' equal failed "$(systemctl is-active roagent)"
check 'check finds that it has failed' refused 1 'roagent has failed (exit-code 2)' roagent check
check 'it starts once it is mended' roagent service start
check 'configure refuses an account that is not there' refused 2 'there is no account nobody-here' roagent service configure --account nobody-here
check 'it runs as before' within 10 'roagent service status'
check 'configure an account' roagent service configure --account daemon
check 'it runs as that' equal daemon "$(ps -o user= -p "$(pid roagent)")"
check 'the data is that account'"'"'s' equal '' "$(find $DATA ! -user daemon)"
check 'configure it back' roagent service configure --account roagent
reboot
