// The life of a domain by go-libvirt: "go run . SOCKET". Each line says what was done.
package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/digitalocean/go-libvirt"
	"github.com/digitalocean/go-libvirt/socket/dialers"
)

const domain = `<domain type='qemu'><name>go</name><memory unit='MiB'>64</memory><os><type arch='x86_64' machine='%s'>hvm</type></os><devices><interface type='network'><source network='default'/><model type='virtio'/></interface></devices></domain>`

func check(what string, err error) {
	if err != nil {
		fmt.Println(what, "failed:", err)
		os.Exit(1)
	}
	fmt.Println(what)
}

func main() {
	l := libvirt.NewWithDialer(dialers.NewLocal(dialers.WithSocket(os.Args[1])))
	check("connect", l.ConnectToURI(libvirt.QEMUSystem))
	v, err := l.ConnectGetLibVersion()
	check(fmt.Sprint("version ", v), err)
	caps, err := l.ConnectGetCapabilities()
	check(fmt.Sprint("capabilities ", len(caps) > 500), err)
	dc, err := l.ConnectGetDomainCapabilities(nil, libvirt.OptString{"x86_64"}, libvirt.OptString{"q35"}, libvirt.OptString{"qemu"}, 0)
	check(fmt.Sprint("domain capabilities ", len(dc) > 500), err)
	nets, _, err := l.ConnectListAllNetworks(1, 0)
	check(fmt.Sprint("networks ", nets[0].Name), err)
	_, err = l.DomainDefineXML(fmt.Sprintf(domain, "q53"))
	fmt.Println("refused:", err)
	d, err := l.DomainDefineXML(fmt.Sprintf(domain, "q35"))
	check("define", err)
	events, err := l.SubscribeEvents(context.Background(), libvirt.DomainEventIDLifecycle, libvirt.OptDomain{})
	check("events", err)
	err = l.DomainCreate(d)
	if err != nil {
		fmt.Println("create:", err)
		check("disconnect", l.Disconnect())
		return
	}
	state, reason, err := l.DomainGetState(d, 0)
	check(fmt.Sprint("state ", state, reason), err)
	check("suspend", l.DomainSuspend(d))
	check("resume", l.DomainResume(d))
	ifaces, err := l.DomainInterfaceAddresses(d, 0, 0)
	check(fmt.Sprint("address ", ifaces[0].Addrs[0].Prefix), err)
	stats, err := l.ConnectGetAllDomainStats(nil, 0, 0)
	check(fmt.Sprint("stats ", len(stats)), err)
	check("destroy", l.DomainDestroy(d))
	check("undefine", l.DomainUndefineFlags(d, 0))
	for i := 0; i < 4; i++ {
		select {
		case e := <-events:
			m := e.(*libvirt.DomainEventCallbackLifecycleMsg)
			fmt.Println("event", m.Msg.Event, m.Msg.Detail)
		case <-time.After(3 * time.Second):
			fmt.Println("no event")
		}
	}
	check("disconnect", l.Disconnect())
}
