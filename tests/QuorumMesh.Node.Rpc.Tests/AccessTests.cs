using System.Net;
using System.Net.Http.Headers;
using System.Net.Security;
using System.Net.Sockets;
using System.Net.WebSockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;
using QuorumMesh.Node.Rpc.Access;
using QuorumMesh.Node.Rpc.Engine;
using QuorumMesh.Outbound;
using QuorumMesh.Tls;

namespace QuorumMesh.Node.Rpc.Tests;

/// <summary>Who is let in over HTTP and WebSocket, with the engine of <see cref="EngineTests"/>.</summary>
public sealed class AccessTests : IAsyncLifetime
{
    private const string Request = """{"jsonrpc":"2.0","id":1,"method":"test_none","params":[]}""";
    private const string Issuer = "https://issuer.example";
    private const string Audience = "node-a";
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);
    private static readonly RSA Rsa = RSA.Create(2048);

    private readonly TempDirectory _directory = new();
    private readonly TestPki _pki = new();
    private readonly FakeTimeProvider _clock = new(DateTimeOffset.UtcNow);
    private readonly TlsMaterials _materials;
    private readonly ECDsa _key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
    private readonly CancellationTokenSource _timeout = new(Patience);
    private readonly List<IAsyncDisposable> _owned = [];
    private RpcTransports _server = null!;

    public AccessTests() => _materials = new TlsMaterials(_clock);

    public Task InitializeAsync() => Task.CompletedTask;

    public async Task DisposeAsync()
    {
        foreach (var owned in _owned) await owned.DisposeAsync();
        _materials.Dispose();
        _pki.Dispose();
        _key.Dispose();
        _timeout.Dispose();
        _directory.Dispose();
    }

    [Fact]
    public async Task Over_TLS_the_certificate_is_shown_and_plain_text_gets_nothing()
    {
        await StartAsync(new RpcAccessOptions { Tls = Tls(_pki.Issue("node")) });
        Assert.Equal("https", _server.HttpAddress!.Scheme);
        Assert.Equal((200, "true"), await CallAsync(Request));
        using var plain = new HttpClient();
        var address = new UriBuilder(_server.HttpAddress) { Scheme = "http" }.Uri;
        await Assert.ThrowsAsync<HttpRequestException>(() => plain.PostAsync(address, Json(Request), _timeout.Token));
        Assert.Equal((200, "true"), await CallAsync(Request));
    }

    [Fact]
    public async Task A_client_that_knows_another_CA_does_not_talk_to_it()
    {
        using var other = new TestPki("Test only other CA");
        await StartAsync(new RpcAccessOptions { Tls = Tls(_pki.Issue("node")) });
        using var http = Client(other);
        await Assert.ThrowsAsync<HttpRequestException>(() => http.PostAsync(_server.HttpAddress, Json(Request), _timeout.Token));
    }

    [Fact]
    public async Task A_new_certificate_is_shown_without_a_restart_and_no_open_connection_is_lost()
    {
        await StartAsync(new RpcAccessOptions { Tls = Tls(_pki.Issue("first")) });
        _materials.Watch(_ => { });
        using var open = Client(_pki);
        Assert.Equal((200, "true"), await CallAsync(Request, http: open));
        TestPki.Write(_directory, "node", _pki.Issue("second"));
        _clock.Advance(TimeSpan.FromSeconds(11));
        Assert.Equal("CN=second", await SubjectAsync());
        for (var i = 0; i < 20; i++) Assert.Equal((200, "true"), await CallAsync(Request, http: open));
    }

    [Fact]
    public async Task Clients_show_a_certificate_of_the_right_CA_where_it_is_asked_for()
    {
        using var other = new TestPki("Test only other CA");
        var trust = _materials.Authorities("--ca", [_pki.WriteAuthority(_directory)]);
        await StartAsync(new RpcAccessOptions { Tls = Tls(_pki.Issue("node"), trust) });
        Assert.Equal((200, "true"), await CallAsync(Request, http: Client(_pki, _pki.Issue("dapp"))));
        var expired = _pki.Issue("dapp", DateTimeOffset.UtcNow.AddDays(-2), DateTimeOffset.UtcNow.AddDays(-1));
        foreach (var shown in new[] { null, other.Issue("dapp"), expired, TestPki.SelfSigned("dapp") })
            await Assert.ThrowsAsync<HttpRequestException>(() => CallAsync(Request, http: Client(_pki, shown)));
    }

    [Fact]
    public async Task A_handshake_that_stands_still_is_ended()
    {
        await StartAsync(new RpcAccessOptions { Tls = Tls(_pki.Issue("node"), time: TimeSpan.FromMilliseconds(300)) });
        using var silent = new TcpClient();
        await silent.ConnectAsync(IPAddress.Loopback, _server.HttpAddress!.Port, _timeout.Token);
        Assert.Equal(0, await silent.GetStream().ReadAsync(new byte[1], _timeout.Token));
    }

    [Theory]
    [InlineData("none", "missing access token")]
    [InlineData("basic", "the Authorization header holds no bearer token")]
    [InlineData("garbage", "the access token cannot be read")]
    [InlineData("unsigned", "the access token's signature is wrong")]
    [InlineData("public key as secret", "the access token's signature is wrong")]
    [InlineData("other key", "the access token's signature is wrong")]
    [InlineData("changed", "the access token's signature is wrong")]
    [InlineData("unknown key", "the access token is signed with an unknown key")]
    [InlineData("other audience", "invalid audience claim (aud)")]
    [InlineData("other issuer", "invalid issuer claim (iss)")]
    [InlineData("expired", "token expired, not valid yet, or without an end (exp)")]
    [InlineData("not yet valid", "token expired, not valid yet, or without an end (exp)")]
    [InlineData("no end", "token expired, not valid yet, or without an end (exp)")]
    public async Task A_token_that_is_not_good_gets_401_and_the_reason(string kind, string said)
    {
        await StartAsync(WithTokens());
        var token = kind switch
        {
            "none" => null,
            "basic" => "Basic dGVzdDp0ZXN0",
            _ => "Bearer " + Bad(kind),
        };
        var (status, answer) = await SendAsync(Request, token);
        Assert.Equal(401, status);
        Assert.Equal((-32001, said), Error(answer));
        using var socket = new ClientWebSocket();
        if (token is not null) socket.Options.SetRequestHeader("Authorization", token);
        socket.Options.CollectHttpResponseDetails = true;
        await Assert.ThrowsAsync<WebSocketException>(() => socket.ConnectAsync(WsAddress, _timeout.Token));
        Assert.Equal(HttpStatusCode.Unauthorized, socket.HttpStatusCode);
    }

    [Theory]
    [InlineData("rpc://test_none", true)]
    [InlineData("rpc://test.none", true)]
    [InlineData("rpc://test_*", true)]
    [InlineData("rpc://test_", true)]
    [InlineData("rpc://*_none", true)]
    [InlineData("rpc://_none", true)]
    [InlineData("rpc://*_*", true)]
    [InlineData("openid rpc://eth_*,rpc://test_none", true)]
    [InlineData("rpc://test_other", false)]
    [InlineData("rpc://eth_*", false)]
    [InlineData("test_none", false)]
    [InlineData("rpc://*", false)]
    [InlineData("", false)]
    public async Task A_scope_opens_what_it_names(string scopes, bool isOpen)
    {
        await StartAsync(WithTokens());
        var (status, answer) = await SendAsync(Request, "Bearer " + Token(scopes));
        Assert.Equal(isOpen ? 200 : 403, status);
        if (!isOpen) Assert.Equal((-32001, "test_none - access denied"), Error(answer));
    }

    [Fact]
    public async Task Tokens_signed_with_RSA_and_scopes_in_a_list_are_taken()
    {
        await StartAsync(WithTokens());
        var key = new SigningCredentials(new RsaSecurityKey(Rsa) { KeyId = "rsa" }, SecurityAlgorithms.RsaSha256);
        var (status, _) = await SendAsync(Request, "Bearer " + Token(new[] { "rpc://eth_*", "rpc://test_*" }, key));
        Assert.Equal(200, status);
    }

    [Fact]
    public async Task A_batch_is_answered_element_by_element()
    {
        await StartAsync(WithTokens());
        var (status, answer) = await SendAsync($$"""[{{Request}},{"jsonrpc":"2.0","id":2,"method":"test_fail"}]""",
            "Bearer " + Token("rpc://test_none"));
        Assert.Equal(200, status);
        Assert.True(answer[0].TryGetProperty("result", out _));
        Assert.Equal((-32001, "test_fail - access denied"), Error(answer[1]));
    }

    [Fact]
    public async Task A_token_that_ends_on_an_open_WebSocket_ends_the_calls_and_not_the_connection()
    {
        await StartAsync(WithTokens());
        using var socket = new ClientWebSocket();
        socket.Options.SetRequestHeader("Authorization", "Bearer " + Token("rpc://test_*"));
        await socket.ConnectAsync(WsAddress, _timeout.Token);
        Assert.True((await AskAsync(socket)).TryGetProperty("result", out _));
        _clock.Advance(TimeSpan.FromHours(2));
        Assert.Equal((-32001, "token expired"), Error(await AskAsync(socket)));
        Assert.Equal((-32001, "token expired"), Error(await AskAsync(socket)));
        Assert.Equal(WebSocketState.Open, socket.State);
    }

    [Fact]
    public async Task A_token_that_was_good_is_not_good_beyond_its_end()
    {
        await StartAsync(WithTokens());
        var token = "Bearer " + Token("rpc://test_*");
        Assert.Equal(200, (await SendAsync(Request, token)).Status);
        _clock.Advance(TimeSpan.FromHours(2));
        Assert.Equal(401, (await SendAsync(Request, token)).Status);
    }

    [Fact]
    public async Task Keys_that_are_replaced_in_their_file_count_at_once()
    {
        await StartAsync(WithTokens());
        _materials.Watch(_ => { });
        var token = "Bearer " + Token("rpc://test_*");
        Assert.Equal(200, (await SendAsync(Request, token)).Status);
        using var other = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        _directory.Write("jwks.json", KeySet(other, "new"));
        _clock.Advance(TimeSpan.FromSeconds(11));
        Assert.Equal(401, (await SendAsync(Request, token)).Status);
    }

    [Fact]
    public async Task Keys_come_from_a_URL_and_new_ones_are_asked_for_when_a_token_names_them()
    {
        var served = KeySet(_key, "ec");
        var (url, asked) = await ServeKeysAsync(() => served);
        var keys = new TokenKeyUrl(url, new OutboundHandlers(), tls: null, _ => { }, _clock);
        await StartAsync(WithTokens() with { Keys = keys });
        Assert.Equal(200, (await SendAsync(Request, "Bearer " + Token("rpc://test_*"))).Status);
        using var other = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        served = KeySet(other, "new");
        var credentials = new SigningCredentials(new ECDsaSecurityKey(other) { KeyId = "new" }, SecurityAlgorithms.EcdsaSha256);
        var token = "Bearer " + Token("rpc://test_*", credentials);
        var before = asked();
        Assert.Equal(401, (await SendAsync(Request, token)).Status); // within ten seconds nobody can make the node ask again
        Assert.Equal(before, asked());
        _clock.Advance(TimeSpan.FromSeconds(11));
        Assert.Equal(200, (await SendAsync(Request, token)).Status);
        keys.Dispose();
    }

    /// <summary>What was found good is kept by the list: a new one each time would have every signature checked again.</summary>
    [Fact]
    public async Task The_same_keys_fetched_again_are_the_same_list()
    {
        var served = KeySet(_key, "ec");
        var (url, asked) = await ServeKeysAsync(() => served);
        using var keys = new TokenKeyUrl(url, new OutboundHandlers(), tls: null, _ => { }, _clock);
        await keys.RenewAsync(_timeout.Token);
        var first = keys.Current;
        _clock.Advance(TimeSpan.FromSeconds(11));
        await keys.RenewAsync(_timeout.Token);
        Assert.Equal(2, asked());
        Assert.Same(first, keys.Current);
        served = KeySet(_key, "renamed");
        _clock.Advance(TimeSpan.FromSeconds(11));
        await keys.RenewAsync(_timeout.Token);
        Assert.NotSame(first, keys.Current);
    }

    [Fact]
    public async Task Without_keys_no_token_is_taken_and_the_reason_says_so()
    {
        var told = new List<string>();
        using var keys = new TokenKeyUrl(new Uri("http://127.0.0.1:1/"), new OutboundHandlers(), tls: null, told.Add, _clock);
        await keys.RenewAsync(_timeout.Token);
        await StartAsync(WithTokens() with { Keys = keys });
        var (status, answer) = await SendAsync(Request, "Bearer " + Token("rpc://test_*"));
        Assert.Equal((401, (-32001, "access tokens cannot be checked now: try again later")), (status, Error(answer)));
        Assert.Contains("no token is taken until then", Assert.Single(told));
    }

    [Fact]
    public async Task Methods_that_a_listener_does_not_open_do_not_exist_there()
    {
        await StartAsync(new RpcAccessOptions(), MethodPatterns.Parse(["test_none"]));
        Assert.Equal(200, (await SendAsync(Request, null)).Status);
        var (status, answer) = await SendAsync("""{"jsonrpc":"2.0","id":2,"method":"test_fail"}""", null);
        Assert.Equal((200, (-32601, "The method test_fail does not exist/is not available")), (status, Error(answer)));
    }

    [Fact]
    public async Task A_caller_has_so_many_calls_in_a_second_whether_or_not_in_a_batch()
    {
        await StartAsync(WithTokens() with { Rate = 1 });
        var token = "Bearer " + Token("rpc://test_*");
        var (status, batch) = await SendAsync($"[{string.Join(",", Enumerable.Repeat(Request, 900))}]", token);
        Assert.Equal(200, status);
        var refused = batch.EnumerateArray().Where(e => e.TryGetProperty("error", out _)).ToList();
        Assert.NotEmpty(refused);
        Assert.Equal(-32005, Error(refused[0]).Code);
        var other = "Bearer " + Token("rpc://test_*", subject: "another");
        Assert.Equal(200, (await SendAsync(Request, other)).Status);
        while ((await SendAsync(Request, token)).Status != 429) _timeout.Token.ThrowIfCancellationRequested();
    }

    [Fact]
    public async Task A_stranger_has_so_many_tokens_looked_at_and_keeps_nobody_out_who_was_let_in()
    {
        using var validator = new TokenValidator(WithTokens().Tokens!, WithTokens().Keys!, _clock, newTokens: 1);
        var good = Token("rpc://test_*");
        await validator.ValidateAsync(good, "here", _timeout.Token);
        CallRefusedException refused;
        do
            refused = await Assert.ThrowsAsync<CallRefusedException>(
                () => validator.ValidateAsync(Bad("other key"), "here", _timeout.Token).AsTask());
        while (refused.Refusal != CallRefusal.TooMany && !_timeout.IsCancellationRequested);
        Assert.Equal("more than 1 new access tokens in a second: try again later", refused.Message);
        await validator.ValidateAsync(good, "here", _timeout.Token);
        await validator.ValidateAsync(Token("rpc://test_*", subject: "another"), "elsewhere", _timeout.Token);
    }

    [Fact]
    public async Task A_stranger_with_too_many_tokens_gets_429()
    {
        await StartAsync(WithTokens());
        int[] statuses;
        do
            statuses = await Task.WhenAll(Enumerable.Range(0, 300).Select(async i => (await SendAsync(Request, $"Bearer a.b.{i}")).Status));
        while (!statuses.Contains(429) && !_timeout.IsCancellationRequested);
        Assert.Contains(429, statuses);
        Assert.DoesNotContain(200, statuses);
    }

    [Theory]
    [InlineData("eth")]
    [InlineData("")]
    [InlineData("eth_block Number")]
    [InlineData("_")]
    public void What_is_no_pattern_is_refused(string text) =>
        Assert.Throws<FormatException>(() => MethodPatterns.Parse([text]));

    private Uri WsAddress => new UriBuilder(_server.WsAddress!) { Scheme = "ws" }.Uri;

    private async Task StartAsync(RpcAccessOptions access, MethodPatterns? methods = null)
    {
        var endpoint = new RpcEndpointOptions("127.0.0.1", 0, ["test"], methods);
        var options = new RpcServerOptions { Http = endpoint, Ws = endpoint, Access = access with { Clock = _clock } };
        _server = new RpcTransports(EngineTests.CreateEngine(), options, NullLoggerFactory.Instance);
        _owned.Add(_server);
        await _server.StartAsync(default);
    }

    private TlsServer Tls(X509Certificate2 certificate, PeerTrust? clients = null, TimeSpan? time = null)
    {
        var (path, key) = TestPki.Write(_directory, "node", certificate);
        var source = _materials.Certificate("rpc", "--cert", CertificateFiles.Pem("--cert", path, key));
        return new TlsServer("rpc", source, clients) { HandshakeTime = time ?? TimeSpan.FromSeconds(30) };
    }

    private RpcAccessOptions WithTokens() => new()
    {
        Tokens = new TokenOptions { Issuers = [Issuer], Audiences = [Audience] },
        Keys = new TokenKeyFile("--rpc.jwt.jwks", _directory.Write("jwks.json", KeySet(_key, "ec", Rsa)), _materials),
    };

    private string Bad(string kind)
    {
        using var other = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var good = Token("rpc://test_*");
        return kind switch
        {
            "garbage" => "a.b.c",
            "unsigned" => good[..(good.LastIndexOf('.') + 1)],
            "public key as secret" => Token("rpc://test_*", new SigningCredentials(
                new SymmetricSecurityKey(_key.ExportSubjectPublicKeyInfo()) { KeyId = "ec" }, SecurityAlgorithms.HmacSha256)),
            "other key" => Token("rpc://test_*",
                new SigningCredentials(new ECDsaSecurityKey(other) { KeyId = "ec" }, SecurityAlgorithms.EcdsaSha256)),
            "unknown key" => Token("rpc://test_*",
                new SigningCredentials(new ECDsaSecurityKey(other) { KeyId = "zz" }, SecurityAlgorithms.EcdsaSha256)),
            "changed" => Changed(good),
            "other audience" => Token("rpc://test_*", audience: "node-b"),
            "other issuer" => Token("rpc://test_*", issuer: "https://other.example"),
            "expired" => Token("rpc://test_*", begin: -7200, end: -3600),
            "not yet valid" => Token("rpc://test_*", begin: 3600, end: 7200),
            _ => Token("rpc://test_*", end: null),
        };
    }

    private static string Changed(string token)
    {
        var parts = token.Split('.');
        var claims = Base64UrlEncoder.Decode(parts[1]).Replace("test_*", "eth_**", StringComparison.Ordinal);
        return $"{parts[0]}.{Base64UrlEncoder.Encode(claims)}.{parts[2]}";
    }

    private string Token(object scopes, SigningCredentials? key = null, string audience = Audience, string issuer = Issuer,
        long begin = -60, long? end = 3600, string subject = "dapp")
    {
        var now = _clock.GetUtcNow().ToUnixTimeSeconds();
        var claims = new Dictionary<string, object>
        {
            ["iss"] = issuer,
            ["aud"] = audience,
            ["sub"] = subject,
            ["scope"] = scopes,
            ["nbf"] = now + begin
        };
        if (end is { } seconds) claims["exp"] = now + seconds;
        key ??= new SigningCredentials(new ECDsaSecurityKey(_key) { KeyId = "ec" }, SecurityAlgorithms.EcdsaSha256);
        return new JsonWebTokenHandler { SetDefaultTimesOnTokenCreation = false }
            .CreateToken(new SecurityTokenDescriptor { Claims = claims, SigningCredentials = key });
    }

    private static string KeySet(ECDsa key, string id, RSA? rsa = null)
    {
        var point = key.ExportParameters(false).Q;
        var keys = new List<object> { new { kty = "EC", crv = "P-256", use = "sig", kid = id, x = Base64UrlEncoder.Encode(point.X),
            y = Base64UrlEncoder.Encode(point.Y) } };
        if (rsa?.ExportParameters(false) is { } p)
            keys.Add(new
            {
                kty = "RSA",
                use = "sig",
                kid = "rsa",
                n = Base64UrlEncoder.Encode(p.Modulus),
                e = Base64UrlEncoder.Encode(p.Exponent)
            });
        return JsonSerializer.Serialize(new { keys });
    }

    private async Task<(Uri Url, Func<int> Asked)> ServeKeysAsync(Func<string> content)
    {
        var asked = 0;
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(k => k.Listen(IPAddress.Loopback, 0));
        var application = builder.Build();
        application.Run(http =>
        {
            Interlocked.Increment(ref asked);
            return http.Response.WriteAsync(content());
        });
        await application.StartAsync(_timeout.Token);
        _owned.Add(application);
        return (new Uri(application.Urls.First()), () => Volatile.Read(ref asked));
    }

    private HttpClient Client(TestPki pki, X509Certificate2? shown = null)
    {
        var handler = new SocketsHttpHandler();
        handler.SslOptions.CertificateChainPolicy = new X509ChainPolicy
        {
            TrustMode = X509ChainTrustMode.CustomRootTrust,
            RevocationMode = X509RevocationMode.NoCheck,
        };
        handler.SslOptions.CertificateChainPolicy.CustomTrustStore.Add(pki.Authority);
        if (shown is not null) handler.SslOptions.ClientCertificateContext = SslStreamCertificateContext.Create(shown, null, offline: true);
        return new HttpClient(handler);
    }

    private async Task<(int Status, string Result)> CallAsync(string request, HttpClient? http = null)
    {
        using var own = http is null ? Client(_pki) : null;
        using var answer = await (http ?? own!).PostAsync(_server.HttpAddress, Json(request), _timeout.Token);
        var body = JsonSerializer.Deserialize<JsonElement>(await answer.Content.ReadAsStringAsync(_timeout.Token));
        return ((int)answer.StatusCode, body.GetProperty("result").GetRawText());
    }

    private async Task<(int Status, JsonElement Body)> SendAsync(string request, string? authorization)
    {
        using var http = new HttpClient();
        if (authorization is not null) http.DefaultRequestHeaders.TryAddWithoutValidation("Authorization", authorization);
        using var answer = await http.PostAsync(_server.HttpAddress, Json(request), _timeout.Token);
        return ((int)answer.StatusCode, JsonSerializer.Deserialize<JsonElement>(await answer.Content.ReadAsStringAsync(_timeout.Token)));
    }

    private async Task<JsonElement> AskAsync(ClientWebSocket socket)
    {
        await socket.SendAsync(Encoding.UTF8.GetBytes(Request), WebSocketMessageType.Text, true, _timeout.Token);
        var buffer = new byte[4096];
        var part = await socket.ReceiveAsync(buffer, _timeout.Token);
        return JsonSerializer.Deserialize<JsonElement>(buffer.AsSpan(0, part.Count));
    }

    private async Task<string> SubjectAsync()
    {
        using var connection = new TcpClient();
        await connection.ConnectAsync(IPAddress.Loopback, _server.HttpAddress!.Port, _timeout.Token);
        await using var tls = new SslStream(connection.GetStream(), false, (_, _, _, _) => true);
        await tls.AuthenticateAsClientAsync("localhost");
        return tls.RemoteCertificate!.Subject;
    }

    private static (int Code, string Message) Error(JsonElement answer) =>
        (answer.GetProperty("error").GetProperty("code").GetInt32(), answer.GetProperty("error").GetProperty("message").GetString()!);

    private static StringContent Json(string text) => new(text, Encoding.UTF8, new MediaTypeHeaderValue("application/json"));
}
