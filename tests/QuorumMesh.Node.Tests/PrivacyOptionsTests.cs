using QuorumMesh.Node.Privacy;
using QuorumMesh.Node.Runtime.Ports;
using QuorumMesh.Outbound;
using QuorumMesh.Primitives;
using QuorumMesh.ServiceDefaults;
using QuorumMesh.Tests.Shared;
using QuorumMesh.Tls;

namespace QuorumMesh.Node.Tests;

[Collection(EnvironmentCollection.Name)]
public sealed class PrivacyOptionsTests
{
    private static readonly OutboundHandlers Handlers = new();
    private static readonly TlsMaterials Materials = new(TimeProvider.System);

    private static readonly ManagerFlags None = new(null, null, null, null);

    [Theory]
    [InlineData(null, false)]
    [InlineData("", false)]
    [InlineData("ignore", true)]
    public async Task Without_a_manager_the_node_is_a_stranger(string? config, bool isConfigured)
    {
        using var set = new ScopedVariable("PRIVATE_CONFIG", config);
        var manager = Assert.IsType<IgnoringTransactionManager>(Open(null, None));
        Assert.Equal(isConfigured, manager.Enabled);
        var answers = await manager.ReceiveAsync([new PayloadHash(new byte[PayloadHash.Size])], CancellationToken.None);
        Assert.Equal(PayloadAvailability.NotAParty, Assert.Single(answers).Availability);
    }

    [Fact]
    public void The_flag_names_ours_and_the_variable_Tesseras()
    {
        using var set = new ScopedVariable("PRIVATE_CONFIG", "/tmp/no-such-socket.ipc");
        using var tessera = Assert.IsType<Q2tTransactionManager>(Open(null, None));
        Assert.True(tessera.Enabled);
        using var ours = Assert.IsType<GrpcTransactionManager>(
            Open("unix:/tmp/no-such-socket.ipc", None));
        Assert.True(ours.Enabled);
    }

    [Fact]
    public void What_cannot_be_used_is_named()
    {
        using var set = new ScopedVariable("PRIVATE_CONFIG", "/no/such/file.toml");
        Assert.Equal("PRIVATE_CONFIG", Assert.Throws<OptionsException>(() => Open(null, None)).Key);
        Assert.Equal("--privacy", Assert.Throws<OptionsException>(() => Open("ftp://host", None)).Key);
        Assert.Equal("--privacy", Assert.Throws<OptionsException>(() => Open("unix:", None)).Key);
        Assert.Equal("--privacy", Assert.Throws<OptionsException>(() => Open("https://tm:1", None)).Key);
        var half = new PinnedManager("c", null, null);
        Assert.Equal("--privacy", Assert.Throws<OptionsException>(() => Open("https://tm:1", None, half)).Key);
        Assert.Equal("--privacy", Assert.Throws<OptionsException>(() => Open("grpc://tm:1", None, half)).Key);
    }

    [Fact]
    public async Task GoQuorums_flags_win_over_the_variable()
    {
        using var set = new ScopedVariable("PRIVATE_CONFIG", "ignore");
        using var manager = Assert.IsType<Q2tTransactionManager>(
            Open(null, new ManagerFlags("/no/such/tm.ipc", null, 7, 1)));
        Assert.Contains("/no/such/tm.ipc", await manager.CheckAsync(CancellationToken.None), StringComparison.Ordinal);
        Assert.IsType<IgnoringTransactionManager>(Open(null, new ManagerFlags(null, null, 7, 1)));
    }

    [Fact]
    public void That_nobody_checks_the_manager_is_told_whichever_setting_says_so()
    {
        using var directory = new TempDirectory();
        var file = directory.Write("tm.toml", """
            HttpUrl = "https://127.0.0.1:1"
            TlsMode = "strict"
            TlsInsecureSkipVerify = true
            """);
        using var set = new ScopedVariable("PRIVATE_CONFIG", file);
        var told = new List<string>();
        using (Assert.IsType<Q2tTransactionManager>(Open(null, None, tell: told.Add)))
            Assert.Contains("TlsInsecureSkipVerify: whoever answers at HttpUrl", Assert.Single(told), StringComparison.Ordinal);
        told.Clear();
        var flags = new ManagerFlags(null, "https://127.0.0.1:1", null, null, new ManagerTls(null, null, null, null, SkipVerify: true));
        using (Assert.IsType<Q2tTransactionManager>(Open(null, flags, tell: told.Add)))
            Assert.Contains("--ptm.tls.insecureskipverify: whoever answers at --ptm.url", Assert.Single(told), StringComparison.Ordinal);
    }

    private static ITransactionManager Open(string? privacy, ManagerFlags flags, PinnedManager? pinned = null,
        Action<string>? tell = null) =>
        PrivacyOptions.Open(privacy, pinned ?? new PinnedManager(null, null, null), flags, Handlers, Materials, tell ?? (_ => { }));
}
