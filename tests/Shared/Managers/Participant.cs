using System.Net.Sockets;
using System.Text.Json;
using Grpc.Net.Client;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using QuorumMesh.Contracts;
using QuorumMesh.Enclave;
using QuorumMesh.Enclave.Keys;
using QuorumMesh.Listeners;
using QuorumMesh.Listeners.Grpc;
using QuorumMesh.Tests.Shared;
using QuorumMesh.TxManager.Configuration;
using QuorumMesh.TxManager.Core.Ports;
using QuorumMesh.TxManager.Hosting;

namespace QuorumMesh.Tests.Shared.Managers;

/// <summary>A manager and its enclave, both the real hosts, on loopback in a directory of their own.</summary>
internal sealed class Participant
{
    private readonly string _directory;
    private readonly List<string> _keyFiles = ["tm"];
    private bool _isWritten;
    private WebApplication? _enclave;
    private WebApplication? _manager;

    public Participant(string directory, string? privateKey)
    {
        _directory = directory;
        Directory.CreateDirectory(directory);
        if (privateKey is null)
        {
            Key = PublicKey.FromBase64(TesseraKeyFile.Generate(Path.Combine(directory, "tm")).ToString());
        }
        else
        {
            using var secret = Enclave.Core.NaClBox.KeySize == 32 ? new Enclave.Core.SecretBuffer(32)
                : throw new InvalidOperationException();
            Convert.FromBase64String(privateKey).CopyTo(secret.Span);
            Key = PublicKey.FromBase64(TesseraKeyFile.Write(Path.Combine(directory, "tm"), secret).ToString());
        }
    }

    public PublicKey Key { get; }

    /// <summary>A further key, before the enclave is started.</summary>
    public PublicKey AddKey(string privateKey)
    {
        using var secret = new Enclave.Core.SecretBuffer(32);
        Convert.FromBase64String(privateKey).CopyTo(secret.Span);
        _keyFiles.Add("tm" + _keyFiles.Count);
        return PublicKey.FromBase64(TesseraKeyFile.Write(Path.Combine(_directory, _keyFiles[^1]), secret).ToString());
    }

    /// <summary>Those of a configuration that says nothing; else small ones.</summary>
    public bool HasDefaultLimits { get; init; }

    /// <summary>Privacy flags other than 0 are taken.</summary>
    public bool HasPrivacyEnhancements { get; init; }

    /// <summary>Its enclave has an Ed25519 identity; to be changed before that is started.</summary>
    public bool HasIdentity { get; set; }

    public string EnclaveConfig => Path.Combine(_directory, "enclave.json");

    /// <summary>The P2P address that it announces.</summary>
    public string P2P
    {
        get => P2PProxyPort is { } port ? $"http://127.0.0.1:{port}/" : P2PListen;
        private set => P2PListen = value;
    }

    /// <summary>Where its P2P server listens.</summary>
    public string P2PListen { get; private set; } = $"http://127.0.0.1:{FreePort()}/";

    /// <summary>What others reach it through; null for none.</summary>
    public int? P2PProxyPort { get; init; }

    /// <summary>Tessera's sslConfig of the P2P server; null speaks plain text.</summary>
    public object? Ssl { get; private set; }

    public string Q2T { get; } = $"http://127.0.0.1:{FreePort()}/";

    public string ThirdParty { get; } = $"http://127.0.0.1:{FreePort()}/";

    public string Health { get; } = $"http://127.0.0.1:{FreePort()}/";

    public string Socket => Path.Combine(_directory, "tm.ipc");

    public string GrpcSocket => Path.Combine(_directory, "tm-grpc.ipc");

    public string EnclaveSocket => Path.Combine(_directory, "enclave.ipc");

    public string ConfigFile => Path.Combine(_directory, "tm.json");

    public string Database => Path.Combine(_directory, "tm.db");

    /// <summary>Of the manager's gRPC port.</summary>
    public ByteBudget GrpcBudget => _manager!.Services.GetRequiredService<GrpcListener>().Budget;

    public void UseTls(object ssl) => (Ssl, P2P) = (ssl, P2P.Replace("http:", "https:", StringComparison.Ordinal));

    public void WriteConfig(IEnumerable<string> peers, bool validateKeys, string? database, int peerTimeoutMs = 20_000,
        bool tesseraPeers = false)
    {
        File.WriteAllText(ConfigFile, JsonSerializer.Serialize(new
        {
            jdbc = new { url = "jdbc:sqlite:" + Database },
            serverConfigs = new object[]
            {
                new { app = "Q2T", serverAddress = "unix:" + Socket, communicationType = "REST" },
                new { app = "Q2T", serverAddress = Q2T, communicationType = "REST" },
                new
                {
                    app = "P2P",
                    serverAddress = P2P,
                    bindingAddress = P2PListen,
                    communicationType = "REST",
                    sslConfig = Ssl,
                    properties = new { partyInfoInterval = 1000 }
                },
                new { app = "ThirdParty", serverAddress = ThirdParty, communicationType = "REST" },
                new { app = "ENCLAVE", serverAddress = "unix:" + EnclaveSocket },
            },
            peer = peers.Select(p => new { url = p.TrimEnd('/') }),
            features = new { enableRemoteKeyValidation = validateKeys, enablePrivacyEnhancements = HasPrivacyEnhancements },
            quorummesh = new
            {
                grpc = "unix:" + GrpcSocket,
                healthUrl = Health,
                maxBodyBytes = HasDefaultLimits ? (int?)null : 1_000_000,
                maxListenerMegabytes = HasDefaultLimits ? (int?)null : 32,
                bodyWaitMs = HasDefaultLimits ? (int?)null : 100,
                peerTimeoutMs,
                tesseraPeers,
                enclaveTimeoutMs = Math.Max(20_000, peerTimeoutMs),
                database,
            },
        }, new JsonSerializerOptions { DefaultIgnoreCondition = System.Text.Json.Serialization.JsonIgnoreCondition.WhenWritingNull }));
    }

    public async Task StartEnclaveAsync()
    {
        if (!_isWritten)
            WriteEnclaveConfig();
        _enclave = await EnclaveHost.StartAsync(new EnclaveOptions(EnclaveConfig, null, null, [], false), CancellationToken.None);
    }

    /// <summary>With its next start the enclave has one, or none.</summary>
    public void UseIdentity(bool has) => (HasIdentity, _isWritten) = (has, false);

    /// <summary>What is in the enclave's configuration is used from now on.</summary>
    public void ReloadKeys() => _enclave!.Services.GetRequiredService<TesseraKeyProvider>().NotifyChanged();

    private void WriteEnclaveConfig()
    {
        var identity = Path.Combine(_directory, "identity");
        if (HasIdentity && !File.Exists(identity + ".key"))
            IdentityFile.Generate(identity, passwordFile: null);
        File.WriteAllText(EnclaveConfig, JsonSerializer.Serialize(new
        {
            serverConfigs = new[] { new { app = "ENCLAVE", serverAddress = "unix:" + EnclaveSocket, communicationType = "REST" } },
            keys = new
            {
                identity = HasIdentity ? new { privateKeyPath = identity + ".key", publicKeyPath = identity + ".pub" } : null,
                keyData = _keyFiles.Select(file => new
                {
                    privateKeyPath = Path.Combine(_directory, file + ".key"),
                    publicKeyPath = Path.Combine(_directory, file + ".pub"),
                }),
            },
        }, new JsonSerializerOptions { DefaultIgnoreCondition = System.Text.Json.Serialization.JsonIgnoreCondition.WhenWritingNull }));
        // A rotation changes it: it is not written again.
        _isWritten = HasIdentity;
    }

    public GrpcChannel GrpcChannel() => global::Grpc.Net.Client.GrpcChannel.ForAddress("http://localhost", new GrpcChannelOptions
    {
        HttpHandler = new SocketsHttpHandler
        {
            ConnectCallback = async (_, cancel) =>
            {
                var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
                await socket.ConnectAsync(new UnixDomainSocketEndPoint(GrpcSocket), cancel);
                return new NetworkStream(socket, ownsSocket: true);
            },
        },
    });

    public async Task StopEnclaveAsync()
    {
        if (_enclave is not null)
        {
            await _enclave.StopAsync();
            await _enclave.DisposeAsync();
            _enclave = null;
        }
    }

    /// <param name="enclave">In the place of the configured one; null for that.</param>
    /// <param name="change">Of what the configuration says; null for nothing.</param>
    public async Task StartManagerAsync(IEnclave? enclave = null, Func<ManagerOptions, ManagerOptions>? change = null)
    {
        var options = ManagerConfig.Read(new CommandLineSettings(ConfigFile, []));
        _manager = await ManagerHost.StartAsync(change?.Invoke(options) ?? options, new Seams(enclave), CancellationToken.None);
    }

    public async Task StopManagerAsync()
    {
        if (_manager is not null)
        {
            await _manager.StopAsync();
            await _manager.DisposeAsync();
            _manager = null;
        }
    }

    public static int FreePort() => FreePorts.One();
}
