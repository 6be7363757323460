using System.Net;
using System.Net.Sockets;
using System.Text.Json.Nodes;
using Google.Protobuf;
using Grpc.Core;
using Grpc.Net.Client;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using QuorumMesh.Contracts.Enclave;
using QuorumMesh.Enclave.Keys;
using QuorumMesh.ServiceDefaults;
using QuorumMesh.Tests.Shared;
using QuorumMesh.Tests.Shared.Vaults;

namespace QuorumMesh.Enclave.Tests;

/// <summary>The enclave with its key in a vault: it waits for it, takes up a new version while it works, and gives old keys up.</summary>
public sealed class VaultedEnclaveTests : IDisposable
{
    private const string Secret = "kv/data/tm1";

    private readonly TempDirectory _directory = new();
    private readonly VaultModel _model = new(TimeProvider.System, openBao: false);

    private string Socket => _directory.File("e.sock");

    public void Dispose() => _directory.Dispose();

    [Fact]
    public async Task A_key_is_rotated_without_a_call_that_fails_and_old_payloads_open()
    {
        Write(Samples.SenderPublic, Samples.SenderPrivate);
        await using var vault = await VaultStandIn.StartAsync(_model);
        await using var app = await EnclaveHost.StartAsync(Options(vault.Url), CancellationToken.None);
        using var channel = Channel();
        var client = new Contracts.Enclave.Enclave.EnclaveClient(channel);
        var old = ByteString.FromBase64(Samples.SenderPublic);
        var sealedBefore = await SealAsync(client, old);

        Write(Samples.RecipientPublic, Samples.RecipientPrivate);
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        var calls = 0;
        while (true)
        {
            var keys = (await client.KeysAsync(new KeysRequest(), cancellationToken: limit.Token)).Keys;
            // Whatever the moment: the default key of the answer seals, and what was sealed before opens.
            await SealAsync(client, keys[0].PublicKey);
            Assert.Equal("hello", (await client.OpenAsync(new OpenRequest { Sealed = sealedBefore })).Payload.ToStringUtf8());
            calls++;
            if (keys.Count == 2)
                break;
        }

        Assert.True(calls > 1);
        var after = (await client.KeysAsync(new KeysRequest())).Keys;
        Assert.Equal([KeyState.Active, KeyState.Retired], after.Select(k => k.State));
        Assert.Equal(["2", "1"], after.Select(k => k.Version));
        Assert.Equal(Samples.RecipientPublic, after[0].PublicKey.ToBase64());
        // A manager that has not asked for the keys since still names the old one.
        await SealAsync(client, old, sender: old);
        await app.StopAsync();
    }

    [Fact]
    public async Task Twenty_rotations_under_load_fail_no_call_and_all_that_was_sealed_opens()
    {
        _model.Answer("POST", "kv/metadata/tm1", null, VaultModel.RootToken, null, new JsonObject { ["max_versions"] = 50 });
        WriteNew();
        await using var vault = await VaultStandIn.StartAsync(_model);
        await using var app = await EnclaveHost.StartAsync(Options(vault.Url, ""","olderVersions":50 """), CancellationToken.None);
        using var channel = Channel();
        var client = new Contracts.Enclave.Enclave.EnclaveClient(channel);
        using var stop = new CancellationTokenSource();
        var callers = Enumerable.Range(0, 3).Select(_ => Task.Run(() => CallAsync(client, stop.Token))).ToList();
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(120));
        for (var version = 2; version <= 21; version++)
        {
            WriteNew();
            app.Services.GetRequiredService<TesseraKeyProvider>().NotifyChanged();
            while ((await client.KeysAsync(new KeysRequest(), cancellationToken: limit.Token)).Keys.Count < version)
                await Task.Delay(10, limit.Token);
        }

        await stop.CancelAsync();
        var sealedPayloads = (await Task.WhenAll(callers)).SelectMany(p => p).ToList();
        Assert.True(sealedPayloads.Select(p => p.SenderKey).Distinct().Count() > 1);
        foreach (var payload in sealedPayloads)
            Assert.Equal("hello", (await client.OpenAsync(new OpenRequest { Sealed = payload })).Payload.ToStringUtf8());
        await app.StopAsync();
    }

    /// <summary>As a manager does: the default key asked for, then named as the sender. Some payloads, at most 500.</summary>
    private static async Task<List<SealedPayload>> CallAsync(Contracts.Enclave.Enclave.EnclaveClient client, CancellationToken stop)
    {
        var made = new List<SealedPayload>();
        while (!stop.IsCancellationRequested)
        {
            var key = (await client.KeysAsync(new KeysRequest())).Keys[0].PublicKey;
            var payload = await SealAsync(client, key, sender: key);
            Assert.Equal("hello", (await client.OpenAsync(new OpenRequest { Sealed = payload })).Payload.ToStringUtf8());
            if (made.Count < 500)
                made.Add(payload);
            await Task.Delay(5);
        }

        return made;
    }

    private void WriteNew()
    {
        using var directory = new TempDirectory();
        var key = TesseraKeyFile.Generate(directory.File("k"));
        using var secret = TesseraKeyFile.ReadPrivateKey(directory.File("k.key"));
        Write(key.ToString(), Convert.ToBase64String(secret.Span));
    }

    [Fact]
    public async Task A_vault_that_is_away_at_the_start_is_waited_for_and_no_key_is_made()
    {
        var port = FreePorts.One();
        var health = FreePorts.One();
        Write(Samples.SenderPublic, Samples.SenderPrivate);
        await using var app = await EnclaveHost.StartAsync(
            Options($"http://127.0.0.1:{port}") with { HealthUrl = $"http://127.0.0.1:{health}" }, CancellationToken.None);
        using var channel = Channel();
        var client = new Contracts.Enclave.Enclave.EnclaveClient(channel);
        var waiting = await Assert.ThrowsAsync<RpcException>(async () => await client.KeysAsync(new KeysRequest()));
        Assert.Equal(StatusCode.Unavailable, waiting.StatusCode);
        using var http = new HttpClient();
        var ready = await http.GetAsync(new Uri($"http://127.0.0.1:{health}/readyz"));
        Assert.Equal(HttpStatusCode.ServiceUnavailable, ready.StatusCode);
        Assert.Contains("no vault answers", await ready.Content.ReadAsStringAsync());

        await using var vault = await VaultStandIn.StartAsync(_model, port);
        await UntilAsync(async () => (await http.GetAsync(new Uri($"http://127.0.0.1:{health}/readyz"))).IsSuccessStatusCode);
        Assert.Equal(Samples.SenderPublic, (await client.KeysAsync(new KeysRequest())).Keys[0].PublicKey.ToBase64());
        Assert.Contains("quorummesh_enclave_key_confirmation_age_seconds",
            await http.GetStringAsync(new Uri($"http://127.0.0.1:{health}/metrics")));
        await app.StopAsync();
    }

    [Fact]
    public async Task Without_its_vault_it_goes_on_until_maxAge_and_then_has_no_keys_until_the_vault_is_back()
    {
        Write(Samples.SenderPublic, Samples.SenderPrivate);
        await using var vault = await VaultStandIn.StartAsync(_model);
        await using var app = await EnclaveHost.StartAsync(Options(vault.Url, ""","maxAge":"6s" """), CancellationToken.None);
        using var channel = Channel();
        var client = new Contracts.Enclave.Enclave.EnclaveClient(channel);
        _model.Sealed = true;
        var since = _model.Count("kv/");
        await UntilAsync(() => Task.FromResult(_model.Count("kv/") > since));
        Assert.Single((await client.KeysAsync(new KeysRequest())).Keys);
        await UntilAsync(() => IsUnavailableAsync(client));
        _model.Sealed = false;
        await UntilAsync(async () => !await IsUnavailableAsync(client));
        Assert.Equal(Samples.SenderPublic, (await client.KeysAsync(new KeysRequest())).Keys[0].PublicKey.ToBase64());
        await app.StopAsync();
    }

    [Fact]
    public async Task What_nobody_foresaw_in_a_configuration_leaves_the_enclave_running_with_its_keys()
    {
        Write(Samples.SenderPublic, Samples.SenderPrivate);
        await using var vault = await VaultStandIn.StartAsync(_model);
        var options = Options(vault.Url);
        await using var app = await EnclaveHost.StartAsync(options, CancellationToken.None);
        using var channel = Channel();
        var client = new Contracts.Enclave.Enclave.EnclaveClient(channel);
        var good = File.ReadAllText(options.ConfigFile);
        // Half a character: no text, which reading it tells by an exception of the library's own.
        File.WriteAllText(options.ConfigFile, good.Replace("\"kv\"", "\"\\ud800\""));
        app.Services.GetRequiredService<TesseraKeyProvider>().NotifyChanged();
        // Time to see it; a loop that ended would leave the new version below unseen, or stop the host.
        await Task.Delay(TimeSpan.FromSeconds(1));
        Assert.Single((await client.KeysAsync(new KeysRequest())).Keys);

        File.WriteAllText(options.ConfigFile, good);
        Write(Samples.RecipientPublic, Samples.RecipientPrivate);
        await UntilAsync(async () => (await client.KeysAsync(new KeysRequest())).Keys.Count == 2);
        await app.StopAsync();
    }

    [Fact]
    public async Task A_wrong_way_in_stops_the_start_by_name()
    {
        Write(Samples.SenderPublic, Samples.SenderPrivate);
        await using var vault = await VaultStandIn.StartAsync(_model);
        var token = _directory.Write("wrong", "s.WRONGwrongWRONGwrong");
        var error = await Assert.ThrowsAsync<OptionsException>(
            () => EnclaveHost.StartAsync(Options(vault.Url, "", token), CancellationToken.None));
        Assert.Contains("does not take the token", error.Message);
        Assert.DoesNotContain("s.WRONG", error.ToString());
    }

    private static async Task<bool> IsUnavailableAsync(Contracts.Enclave.Enclave.EnclaveClient client)
    {
        try
        {
            await client.KeysAsync(new KeysRequest());
            return false;
        }
        catch (RpcException e) when (e.StatusCode == StatusCode.Unavailable)
        {
            return true;
        }
    }

    private static async Task<SealedPayload> SealAsync(Contracts.Enclave.Enclave.EnclaveClient client, ByteString recipient,
        ByteString? sender = null)
    {
        var request = new SealRequest { Payload = ByteString.CopyFromUtf8("hello"), SenderKey = sender ?? ByteString.Empty };
        request.RecipientKeys.Add(recipient);
        return (await client.SealAsync(request)).Sealed;
    }

    private static async Task UntilAsync(Func<Task<bool>> holds)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        while (!await holds())
            await Task.Delay(50, limit.Token);
    }

    private void Write(string publicKey, string privateKey) =>
        _model.Write(Secret, new JsonObject { ["publicKey"] = publicKey, ["privateKey"] = privateKey });

    private EnclaveOptions Options(string url, string more = "", string? token = null)
    {
        token ??= _directory.Write("token", VaultModel.RootToken);
        return new EnclaveOptions(_directory.Write("e.json", $$$"""
            {"serverConfigs":[{"app":"ENCLAVE","serverAddress":"unix:{{{Socket}}}"}],
             "keys":{"keyVaultConfigs":[{"keyVaultType":"HASHICORP",
               "properties":{"url":"{{{url}}}","tokenFile":"{{{token}}}","refresh":"1s"{{{more}}}}}],
              "keyData":[{"hashicorpVaultPublicKeyId":"publicKey","hashicorpVaultPrivateKeyId":"privateKey",
               "hashicorpVaultSecretEngineName":"kv","hashicorpVaultSecretName":"tm1"}]}}
            """), null, null, [], false);
    }

    private GrpcChannel Channel() => GrpcChannel.ForAddress("http://localhost", new GrpcChannelOptions
    {
        HttpHandler = new SocketsHttpHandler
        {
            ConnectCallback = async (_, cancellation) =>
            {
                var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
                await socket.ConnectAsync(new UnixDomainSocketEndPoint(Socket), cancellation);
                return new NetworkStream(socket, ownsSocket: true);
            },
        },
    });
}
