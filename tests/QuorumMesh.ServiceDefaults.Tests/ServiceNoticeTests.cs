using System.Net.Sockets;
using System.Text;

namespace QuorumMesh.ServiceDefaults.Tests;

public sealed class ServiceNoticeTests : IDisposable
{
    private readonly string _path = Path.Combine(Path.GetTempPath(), $"qmnotify{Environment.ProcessId}.sock");

    public void Dispose()
    {
        Environment.SetEnvironmentVariable("NOTIFY_SOCKET", null);
        File.Delete(_path);
    }

    [Fact]
    public void Systemd_hears_of_ready_and_stopping_and_without_it_nothing_happens()
    {
        ServiceNotice.Ready();
        using var systemd = new Socket(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified) { ReceiveTimeout = 60_000 };
        systemd.Bind(new UnixDomainSocketEndPoint(_path));
        Environment.SetEnvironmentVariable("NOTIFY_SOCKET", _path);
        ServiceNotice.Ready();
        Assert.Equal("READY=1", Heard(systemd));
        ServiceNotice.Stopping();
        Assert.Equal("STOPPING=1", Heard(systemd));
    }

    private static string Heard(Socket systemd)
    {
        var buffer = new byte[256];
        return Encoding.UTF8.GetString(buffer, 0, systemd.Receive(buffer));
    }
}
