package upload_test
import ("testing";"os";"strconv";"fmt";"strings";"time";"runtime"; "roagent/upload"; "syscall")
func status() string { b,_ := os.ReadFile("/proc/self/status"); var o []string; for _, l := range strings.Split(string(b),"\n") { if strings.HasPrefix(l,"VmHWM")||strings.HasPrefix(l,"VmRSS")||strings.HasPrefix(l,"RssFile")||strings.HasPrefix(l,"RssAnon") {o=append(o,strings.Join(strings.Fields(l)," "))}}; return strings.Join(o," ") }
func TestZZMem(t *testing.T) {
	n,_ := strconv.Atoi(os.Getenv("MEM_N")); if n==0 {t.Skip()}
	s := newSite(t)
	page:=500
	orders := benchOrders(0,page)
	var ru0, ru1 syscall.Rusage
	syscall.Getrusage(0,&ru0)
	start:=time.Now()
	perWeek := 30000
	for w:=0; w*perWeek<n; w++ {
		name := week(t,"2026-W10").Add(w).String()
		p := s.begin(name)
		end := min(n,(w+1)*perWeek)
		for i:=w*perWeek;i<end;i+=page {
			for j := range orders { orders[j].Key=fmt.Sprintf("RO%09d",i+j) }
			var nx []byte; if i+page<end {nx=[]byte("x")}
			if _,err:=p.Store(upload.PageResult{Records:s.orders.Records(p.Week(),orders...),Next:nx}); err!=nil {t.Fatal(err)}
			if (i/page)%400==0 { t.Log(i,status()) }
		}
		if _,err:=p.Finish(upload.FinishResult{Now:time.Now()}); err!=nil {t.Fatal(err)}
	}
	t.Log("stored",time.Since(start), status())
	syscall.Getrusage(0,&ru1)
	t.Log("cpu/order us", float64(ru1.Utime.Nano()-ru0.Utime.Nano())/1e3/float64(n), float64(ru1.Stime.Nano()-ru0.Stime.Nano())/1e3/float64(n))
	if os.Getenv("MEM_SEND")!="" { s.sender.Logger=s.queue.Logger; sent:=s.send(); t.Log(sent,time.Since(start),status()) }
	fi,_ := os.Stat(s.dir+"/queue.db"); t.Log("file",fi.Size()>>20)
	var ms runtime.MemStats; runtime.ReadMemStats(&ms); t.Log("heapsys",ms.HeapSys>>20,"sys",ms.Sys>>20, "gc",ms.NumGC)
}
