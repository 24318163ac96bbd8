# The second boot of the same machine.
check 'after a reboot it runs' within 20 'roagent service status'

mkdir -m 755 /etc/roagent-north
sed 's#^data_dir: .*#data_dir: /var/lib/roagent-north#' /etc/roagent/roagent.yaml >/etc/roagent-north/roagent.yaml
cp /etc/roagent/fieldmap.yaml /etc/roagent-north/
check 'a second store' roagent service install --name north --now
check 'it has its own configuration' grep -q '/etc/roagent-north/roagent.yaml' <(roagent service status --name north)
check 'the first still has its own' grep -q '/var/lib/roagent$' <(roagent service status)
for path in /var/lib/roagent-north/queue.db /etc/roagent-north/roagent.yaml; do
	check "the first does not see $path" not setpriv --reuid=roagent --regid=roagent --clear-groups head -c 1 $path
done
check 'the second does not see the first' not setpriv --reuid=roagent-north --regid=roagent-north --clear-groups ls /var/lib/roagent

odd='/srv/a "b" 100% $x'
mkdir "$odd"
sed "s#^data_dir: .*#data_dir: data#; s#^fieldmap: .*#fieldmap: /etc/odd.yaml#" /etc/roagent/roagent.yaml >"$odd/roagent.yaml"
cp /etc/roagent/fieldmap.yaml /etc/odd.yaml
check 'a path with spaces, quotes and signs' roagent service install --name odd --config "$odd/roagent.yaml" --now
check 'its data is there' test -e "$odd/data/queue.db"
check 'status reads it back' grep -qF "$odd/roagent.yaml" <(roagent service status --name odd)

cp /etc/roagent/roagent.yaml /srv/foreign.yaml
cp /etc/roagent/fieldmap.yaml /srv/
mkdir /srv/foreign && touch /srv/foreign/book.xls
sed -i 's#^data_dir: .*#data_dir: /srv/foreign#' /srv/foreign.yaml
check 'a folder with other files is not taken' refused 2 'holds other files' roagent service install --name foreign --config /srv/foreign.yaml
check 'it is root'"'"'s still' equal root "$(stat -c %U /srv/foreign)"

check 'uninstall' roagent service uninstall --name north
check 'it has stopped' not pgrep -u roagent-north
check 'its data is kept' test -e /var/lib/roagent-north/queue.db
check 'install it again on what is there' roagent service install --name north --now
check 'a purge asks' refused 2 'nobody is at a terminal' roagent service uninstall --name north --purge
check 'it runs still' roagent service status --name north
check 'purge' roagent service uninstall --name north --purge --yes
check 'its data is gone' not test -e /var/lib/roagent-north
check 'its configuration is gone' not test -e /etc/roagent-north
check 'its account is gone' not getent passwd roagent-north
check 'the first runs on' roagent service status
roagent service uninstall >/tmp/said
check 'uninstall tells what the collector holds' grep -q 'roagent leave' /tmp/said
check 'and what stays' grep -q 'kept: configuration /etc/roagent/roagent.yaml, data /var/lib/roagent' /tmp/said
poweroff
