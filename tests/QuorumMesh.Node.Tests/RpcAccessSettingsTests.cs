using System.CommandLine;
using QuorumMesh.ServiceDefaults;

namespace QuorumMesh.Node.Tests;

/// <summary>JSON-RPC beyond loopback starts only with TLS and callers who prove who they are.</summary>
public sealed class RpcAccessSettingsTests
{
    private const string Tls = "--rpc.tls.cert c --rpc.tls.key k";
    private const string Tokens = "--rpc.jwt.jwks keys.json --rpc.jwt.issuer https://i --rpc.jwt.audience node";

    [Theory]
    [InlineData("--http --http.addr 0.0.0.0", "--http.addr")]
    [InlineData("--http --http.addr 10.0.0.1", "--http.addr")]
    [InlineData("--ws --ws.addr ::", "--ws.addr")]
    [InlineData("--http --http.addr 0.0.0.0 " + Tls, "--http.addr")]
    [InlineData("--http --http.addr 0.0.0.0 " + Tokens, "--http.addr")]
    [InlineData("--http --ws --ws.addr 0.0.0.0 --rpc.rate 5", "--ws.addr")]
    public void A_listener_that_strangers_reach_is_refused_and_the_way_out_named(string arguments, string flag)
    {
        var refused = Assert.Throws<OptionsException>(() => Read(arguments)).Message;
        Assert.StartsWith(flag + ":", refused);
        foreach (var way in new[] { "--rpc.tls.cert", "--rpc.jwt.jwks", "--rpc.tls.clientca", "--rpc.insecure" })
            Assert.Contains(way, refused);
    }

    [Theory]
    [InlineData("--http --ws", false)]
    [InlineData("--http --http.addr localhost", false)]
    [InlineData("--http.addr 0.0.0.0", false)]
    [InlineData("--http --http.addr 0.0.0.0 " + Tls + " " + Tokens, false)]
    [InlineData("--http --http.addr 0.0.0.0 " + Tls + " --rpc.tls.clientca ca", false)]
    [InlineData("--http --http.addr 0.0.0.0 --rpc.tls.store s --rpc.tls.clientca ca", false)]
    [InlineData("--http --rpc.insecure", false)]
    [InlineData("--http --http.addr 0.0.0.0 --rpc.insecure", true)]
    [InlineData("--http --http.addr 0.0.0.0 --rpc.insecure " + Tls, true)]
    [InlineData("--ws --ws.addr 0.0.0.0 --rpc.insecure " + Tokens, true)]
    [InlineData("--http --http.addr 0.0.0.0 --rpc.insecure " + Tls + " " + Tokens, false)]
    public void What_starts_says_so_where_it_is_open(string arguments, bool isTold)
    {
        var settings = Read(arguments);
        Assert.Equal(isTold, settings.RpcAccess.Warning(settings.Http, settings.Ws) is not null);
    }

    [Theory]
    [InlineData("--rpc.tls.cert c", "--rpc.tls.cert")]
    [InlineData("--rpc.tls.key k", "--rpc.tls.key")]
    [InlineData(Tls + " --rpc.tls.store s", "--rpc.tls.store")]
    [InlineData("--rpc.tls.clientca ca", "--rpc.tls.clientca")]
    [InlineData("--rpc.jwt.jwks keys.json --rpc.jwt.audience node", "--rpc.jwt.issuer")]
    [InlineData("--rpc.jwt.jwks keys.json --rpc.jwt.issuer https://i", "--rpc.jwt.audience")]
    [InlineData("--rpc.jwt.issuer https://i", "--rpc.jwt.jwks")]
    [InlineData("--rpc.jwt.jwks http://issuer.example/jwks --rpc.jwt.issuer i --rpc.jwt.audience node", "--rpc.jwt.jwks")]
    [InlineData(Tokens + " --rpc.jwt.skew soon", "--rpc.jwt.skew")]
    [InlineData("--rpc.rate -1", "--rpc.rate")]
    [InlineData("--http.methods eth", "--http.methods")]
    [InlineData("--ws.methods eth_*,nonsense", "--ws.methods")]
    [InlineData(Tls + " --rpc.tls.passwordfile /no/such/file", "--rpc.tls.passwordfile")]
    public void Half_of_a_setting_is_refused_by_name(string arguments, string flag) =>
        Assert.Contains(flag, Assert.Throws<OptionsException>(() => Read(arguments)).Message);

    [Fact]
    public void All_is_read()
    {
        var access = Read($"--http {Tls} --rpc.jwt.jwks keys.json --rpc.jwt.audience node --rpc.jwt.issuer a,b "
            + "--rpc.jwt.claim scp --rpc.jwt.skew 5s --rpc.rate 100 --rpc.jwt.ca ca --http.methods eth_*,net_version").RpcAccess;
        Assert.Equal(["a", "b"], access.Issuers);
        Assert.Equal(("c", "k", "keys.json", "scp", 100), (access.Certificate, access.Key, access.KeySet, access.ScopeClaim, access.Rate));
        Assert.Equal(TimeSpan.FromSeconds(5), access.Skew);
    }

    private static NodeSettings Read(string arguments)
    {
        var line = new NodeCommandLine();
        var root = new RootCommand();
        line.AddTo(root);
        return line.Read(root.Parse(arguments));
    }
}
