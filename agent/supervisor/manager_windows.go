package supervisor

import (
	"errors"
	"fmt"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"
	"unsafe"

	"github.com/kardianos/service"
	"golang.org/x/sys/windows"
	"golang.org/x/sys/windows/svc"
	"golang.org/x/sys/windows/svc/mgr"
)

// MayChange says why this process may not change services, if it may not.
func MayChange() error {
	m, err := mgr.Connect()
	if errors.Is(err, windows.ERROR_ACCESS_DENIED) {
		return fmt.Errorf("%w: an administrator may", ErrRights)
	}
	if err != nil {
		return fmt.Errorf("%w: %w", ErrNoManager, err)
	}
	return m.Disconnect()
}

// with opens the service with the given rights for fn.
func (s Service) with(rights uint32, fn func(*mgr.Service) error) error {
	manager, err := windows.OpenSCManager(nil, nil, windows.SC_MANAGER_CONNECT)
	if err != nil {
		return fmt.Errorf("open the service manager: %w", err)
	}
	defer windows.CloseServiceHandle(manager) //nolint:errcheck // only read
	name, err := windows.UTF16PtrFromString(s.Name)
	if err != nil {
		return err
	}
	handle, err := windows.OpenService(manager, name, rights)
	if errors.Is(err, windows.ERROR_SERVICE_DOES_NOT_EXIST) {
		return fmt.Errorf("%s: %w", s.Name, ErrNotInstalled)
	}
	if err != nil {
		return fmt.Errorf("open the service %s: %w", s.Name, err)
	}
	opened := &mgr.Service{Name: s.Name, Handle: handle}
	return errors.Join(fn(opened), opened.Close())
}

// Query asks how the service is. ErrNotInstalled is in the error where there is none. Anybody may ask.
func (s Service) Query() (*State, error) {
	st := &State{Service: s}
	err := s.with(windows.SERVICE_QUERY_CONFIG|windows.SERVICE_QUERY_STATUS, func(opened *mgr.Service) error {
		config, err := registration(opened)
		if err != nil {
			return err
		}
		st.Account, st.Manual, st.Data = windows.UTF16PtrToString(config.ServiceStartName), config.StartType != mgr.StartAutomatic, ""
		if arguments, err := windows.DecomposeCommandLine(windows.UTF16PtrToString(config.BinaryPathName)); err == nil && len(arguments) > 3 {
			st.Binary, st.Config = arguments[0], arguments[3]
		}
		status, err := opened.Query()
		if err != nil {
			return err
		}
		states := map[svc.State]string{svc.StartPending: Starting, svc.Running: Running, svc.StopPending: Stopping}
		if st.State = states[status.State]; st.State == "" {
			st.State = Stopped
		}
		st.PID, st.Since = int(status.ProcessId), startOf(status.ProcessId)
		if st.State == Stopped && status.Win32ExitCode != 0 && status.Win32ExitCode != uint32(windows.ERROR_SERVICE_NEVER_STARTED) {
			st.State, st.Why = Failed, fmt.Sprintf("exit code %d", status.Win32ExitCode)
			if status.Win32ExitCode == uint32(windows.ERROR_SERVICE_SPECIFIC_ERROR) {
				st.Why = fmt.Sprintf("exit code %d", status.ServiceSpecificExitCode)
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return st, nil
}

// startOf returns when a process began, or zero where this account may not ask.
func startOf(pid uint32) time.Time {
	process, err := windows.OpenProcess(windows.PROCESS_QUERY_LIMITED_INFORMATION, false, pid)
	if pid == 0 || err != nil {
		return time.Time{}
	}
	defer windows.CloseHandle(process) //nolint:errcheck // only read
	var created, exited, kernel, user windows.Filetime
	if err := windows.GetProcessTimes(process, &created, &exited, &kernel, &user); err != nil {
		return time.Time{}
	}
	return time.Unix(0, created.Nanoseconds())
}

// Install registers the service, which makes its virtual account, and gives that its folders. Where a step fails, what it made
// is taken back; access lists stay as they were set. It can be done again: what is there stays, and what is loose is mended.
func (s Service) Install(files []string) error {
	var made undoing
	return made.after(s.install(files, &made))
}

func (s Service) install(files []string, made *undoing) error {
	if err := s.ensureAccount(); err != nil {
		return err
	}
	_, err := s.Query()
	if errors.Is(err, ErrNotInstalled) {
		err = s.register(made)
	}
	if err != nil {
		return err
	}
	if err := s.with(windows.SERVICE_ALL_ACCESS, s.configure); err != nil {
		return err
	}
	return s.ensureFolders(files, made)
}

func (s Service) register(made *undoing) error {
	c, err := s.control(service.Config{DisplayName: s.Name, Description: s.Description(), Executable: s.Binary, Arguments: s.arguments(), UserName: s.Account})
	if err != nil {
		return err
	}
	made.add(s.deregister)
	if err := c.Install(); err != nil {
		return fmt.Errorf("register %s: %w", s.Name, err)
	}
	return nil
}

func (s Service) arguments() []string {
	return []string{"run", "--config", s.Config, "--service", s.Name}
}

// registration reads what the manager has of a service, which is 8 KB at most.
func registration(opened *mgr.Service) (*windows.QUERY_SERVICE_CONFIG, error) {
	buffer := make([]uint64, 1<<10) // aligned
	config := (*windows.QUERY_SERVICE_CONFIG)(unsafe.Pointer(&buffer[0]))
	needed := uint32(0)
	if err := windows.QueryServiceConfig(opened.Handle, config, 8<<10, &needed); err != nil {
		return nil, fmt.Errorf("read the registration of %s: %w", opened.Name, err)
	}
	return config, nil
}

// configure sets what kardianos cannot, and what another run may have set otherwise. After a crash the service is back in two
// seconds, then in half a minute, then in five; a day without one forgets them.
func (s Service) configure(opened *mgr.Service) error {
	if err := s.reregister(opened); err != nil {
		return fmt.Errorf("change the registration of %s: %w", s.Name, err)
	}
	var actions []mgr.RecoveryAction
	for _, delay := range []time.Duration{2 * time.Second, 30 * time.Second, 5 * time.Minute} {
		actions = append(actions, mgr.RecoveryAction{Type: mgr.ServiceRestart, Delay: delay})
	}
	if err := opened.SetRecoveryActions(actions, uint32(24*time.Hour/time.Second)); err != nil {
		return fmt.Errorf("set what happens when %s crashes: %w", s.Name, err)
	}
	return nil
}

// reregister writes what the service runs, as whom, when it starts and what it is. A manager that does not know delayed starts
// or the service's own identity (that of Wine) does without.
func (s Service) reregister(opened *mgr.Service) error {
	command, err := windows.UTF16PtrFromString(windows.ComposeCommandLine(append([]string{s.Binary}, s.arguments()...)))
	if err != nil {
		return err
	}
	account, err := windows.UTF16PtrFromString(s.Account)
	if err != nil {
		return err
	}
	text, err := windows.UTF16PtrFromString(s.Description())
	if err != nil {
		return err
	}
	start, delayed := uint32(mgr.StartAutomatic), windows.SERVICE_DELAYED_AUTO_START_INFO{IsDelayedAutoStartUp: 1}
	if s.Manual {
		start, delayed = mgr.StartManual, windows.SERVICE_DELAYED_AUTO_START_INFO{}
	}
	const same = windows.SERVICE_NO_CHANGE
	if err := windows.ChangeServiceConfig(opened.Handle, same, start, same, command, nil, nil, nil, account, nil, nil); err != nil {
		return err
	}
	description, identity := windows.SERVICE_DESCRIPTION{Description: text}, uint32(windows.SERVICE_SID_TYPE_UNRESTRICTED)
	for level, value := range map[uint32]unsafe.Pointer{
		windows.SERVICE_CONFIG_DESCRIPTION:             unsafe.Pointer(&description),
		windows.SERVICE_CONFIG_DELAYED_AUTO_START_INFO: unsafe.Pointer(&delayed),
		windows.SERVICE_CONFIG_SERVICE_SID_INFO:        unsafe.Pointer(&identity),
	} {
		err := windows.ChangeServiceConfig2(opened.Handle, level, (*byte)(value))
		if err != nil && !errors.Is(err, windows.ERROR_INVALID_LEVEL) {
			return err
		}
	}
	return nil
}

// startWithin is how long a start may take, of which opening a large queue is most.
const startWithin = 5 * time.Minute

// awaitStart waits until the service that was just started is up or has ended.
func (s Service) awaitStart() error {
	for end := time.Now().Add(startWithin); ; time.Sleep(100 * time.Millisecond) {
		st, err := s.Query()
		switch {
		case err != nil:
			return err
		case st.State == Running:
			return nil
		case st.State != Starting:
			return &EndedError{st.Why}
		case time.Now().After(end):
			return fmt.Errorf("%s is still starting after %s", s.Name, startWithin)
		}
	}
}

// Uninstall stops the service and takes its registration away. Its configuration and data stay.
func (s Service) Uninstall() error {
	if st, err := s.Query(); err == nil && st.State != Stopped && st.State != Failed {
		if err := s.Stop(); err != nil {
			return fmt.Errorf("stop %s: %w", s.Name, err)
		}
	}
	return s.deregister()
}

func (s Service) deregister() error {
	c, err := s.control(service.Config{})
	if err != nil {
		return err
	}
	if err := c.Uninstall(); err != nil {
		return fmt.Errorf("take %s away: %w", s.Name, err)
	}
	return nil
}

// LastLines returns the last events of the service, the latest first, or "".
func (s Service) LastLines(n int) string {
	c := exec.Command("wevtutil", "qe", "Application", "/rd:true", "/f:text", "/c:"+strconv.Itoa(n), "/q:*[System[Provider[@Name='"+s.Name+"']]]")
	c.SysProcAttr = &syscall.SysProcAttr{HideWindow: true}
	out, err := c.Output()
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(out))
}
