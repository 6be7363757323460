using QuorumMesh.Node.Privacy;
using QuorumMesh.Node.Runtime;
using QuorumMesh.Node.Runtime.Ports;
using QuorumMesh.Outbound;
using QuorumMesh.Primitives;
using QuorumMesh.Tls;

namespace QuorumMesh.Node.Privacy.Tests;

public sealed class PrivateConfigTests : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("qm-config-").FullName;

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Theory]
    [InlineData("ignore")]
    [InlineData("IGNORE")]
    public async Task Ignore_is_a_stranger_to_everything(string value)
    {
        var manager = PrivateConfig.Parse(value).CreateManager(new OutboundHandlers(), new TlsMaterials(TimeProvider.System));
        Assert.True(manager.Enabled);
        var error = await Assert.ThrowsAsync<TransactionManagerException>(
            () => manager.SendAsync(new SendArguments([1], null, []), default));
        Assert.Equal("private transaction manager not in use", error.Message);
        Assert.Equal(PayloadAvailability.NotAParty, Assert.Single(await manager.ReceiveAsync([Wait.Hash(1)], default)).Availability);
    }

    [Fact]
    public void A_path_is_a_socket_even_before_it_is_there()
    {
        var path = Path.Combine(_directory, "tm.ipc");
        Assert.Equal(path, PrivateConfig.Parse(path).SocketPath);
    }

    [Fact]
    public void Toml_gives_socket_and_timeouts()
    {
        var config = PrivateConfig.Parse(Write("""
            # of the 7 nodes
            socket = "tm.ipc"   # beside
            workdir = '/qdata/c1'
            Timeout = 7
            other = [1, 2]

            [table]
            socket = "other"
            """));
        Assert.Equal("/qdata/c1/tm.ipc", config.SocketPath);
        Assert.Equal(TimeSpan.FromSeconds(7), config.Timeouts.Receive);
        Assert.Equal("/a/b", PrivateConfig.Parse(Write("socketPath=\"/a/b\"\nworkdir=\"/x\"\n")).SocketPath);
        Assert.Equal(new Uri("http://tm:9101"), PrivateConfig.Parse(Write("HttpUrl = \"http://tm:9101\"")).Url);
        Assert.Equal("/tm.ipc", PrivateConfig.Parse(Write("socket = \"/tm.ipc\"\nTlsMode = \"off\"\nTlsRootCA = \"\"")).SocketPath);
    }

    [Fact]
    public void Flags_give_place_and_times()
    {
        Assert.Equal(("/qdata/tm.ipc", null),
            (PrivateConfig.Of("/qdata/tm.ipc", null).SocketPath, PrivateConfig.Of("/qdata/tm.ipc", null).Url));
        Assert.Equal(new Uri("http://tm:9101"), PrivateConfig.Of(null, "http://tm:9101").Url);
        var times = PrivateConfig.Of("/a", null).With(7, null).Timeouts;
        Assert.Equal((7.0, ManagerTimeouts.Default.Dial), (times.Receive.TotalSeconds, times.Dial));
        Assert.True(PrivateConfig.Of("/a", null).With(0, 0).Timeouts is { Receive.TotalHours: >= 24, Dial.TotalHours: >= 24 });
        Assert.True(PrivateConfig.Parse(Write("socket = \"a\"\nTimeout = 0")).Timeouts.Receive.TotalHours >= 24);
    }

    [Theory]
    [InlineData("workdir = \"x\"")]
    [InlineData("nonsense")]
    [InlineData("socket = \"open")]
    [InlineData("HttpUrl = \"tcp://x\"")]
    [InlineData("socket = \"a\"\nTimeout = \"soon\"")]
    [InlineData("socket = \"a\"\nTlsMode = \"strict\"")]
    [InlineData("HttpUrl = \"https://tm\"\nTlsRootCA = \"ca.pem\"")]
    [InlineData("HttpUrl = \"https://tm\"\nTlsMode = \"on\"")]
    [InlineData("HttpUrl = \"http://tm\"\nTlsMode = \"strict\"\nTlsRootCA = \"ca.pem\"")]
    [InlineData("HttpUrl = \"https://tm\"\nTlsMode = \"strict\"")]
    [InlineData("HttpUrl = \"https://tm\"\nTlsMode = \"strict\"\nTlsRootCA = \"ca.pem\"\nTlsClientCert = \"c.pem\"")]
    public void Bad_toml_is_refused_with_the_file_named(string content) =>
        Assert.Contains("tm.toml", Assert.Throws<FormatException>(() => PrivateConfig.Parse(Write(content))).Message);

    [Theory]
    [InlineData(null)]
    [InlineData(" ")]
    [InlineData("/nowhere/tm.toml")]
    public void Nothing_usable_is_refused(string? value) => Assert.Throws<FormatException>(() => PrivateConfig.Parse(value));

    private string Write(string content)
    {
        var path = Path.Combine(_directory, "tm.toml");
        File.WriteAllText(path, content);
        return path;
    }
}
