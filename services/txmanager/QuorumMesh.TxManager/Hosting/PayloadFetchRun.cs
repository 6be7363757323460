using System.Net;
using QuorumMesh.Contracts;
using QuorumMesh.Outbound;
using QuorumMesh.Primitives;
using QuorumMesh.ServiceDefaults;
using QuorumMesh.Tls;
using QuorumMesh.TxManager.Configuration;
using QuorumMesh.TxManager.Core;
using QuorumMesh.TxManager.Core.EnclaveClient;
using QuorumMesh.TxManager.Core.Parties;
using QuorumMesh.TxManager.Core.Ports;
using QuorumMesh.TxManager.Rest.P2P;

namespace QuorumMesh.TxManager.Hosting;

/// <summary>
/// <c>quorummesh-txmanager fetch</c>: gets payloads that were lost back from another party's manager, beside our running manager, which
/// stores them.
/// </summary>
public static class PayloadFetchRun
{
    /// <param name="from">The other manager's P2P URL.</param>
    /// <param name="hashes">In base64.</param>
    /// <returns>The exit code: 0 when all are here.</returns>
    /// <exception cref="OptionsException">A setting or argument cannot be used.</exception>
    public static async Task<int> RunAsync(ManagerOptions options, string from, IReadOnlyList<string> hashes, TextWriter output,
        CancellationToken cancel)
    {
        var url = PeerUrl.Normalize(from) ?? throw new OptionsException("--from", $"'{from}' must be http://host:port");
        byte[][] asked = [.. hashes.Select(Hash)];
        var handlers = new OutboundHandlers();
        using var materials = new TlsMaterials(TimeProvider.System);
        var enclaveTls = options.EnclaveTls?.Client(materials);
        IEnclave enclave = options.EnclaveAddress is { } address
            ? new GrpcEnclave(address, options.EnclaveTimeout, handlers, enclaveTls)
            : await InProcessEnclave.LoadAsync(options.KeysFile, cancel).ConfigureAwait(false);
        using var owned = (IDisposable)enclave;
        var tls = P2P(options).Ssl?.Client(materials, "p2p");
        using var http = new HttpClient(handlers.Create(OutboundLimits.Fetch, tls: tls)) { Timeout = TimeSpan.FromSeconds(60) };
        var fetcher = new PayloadFetcher(enclave, http);
        IReadOnlyList<PublicKey> keys;
        try
        {
            var held = await enclave.KeysAsync(cancel).ConfigureAwait(false);
            keys = [.. held.Active, .. held.Retired];
        }
        catch (PrivacyException e)
        {
            throw new StartupException(e.Message, e);
        }

        var failed = 0;
        foreach (var hash in asked)
            failed += await FetchAsync(fetcher, Own(options), url, keys, hash, output, cancel).ConfigureAwait(false) ? 0 : 1;

        return failed == 0 ? HostRunner.Ok : HostRunner.Failed;
    }

    /// <summary>Each of our keys in turn: the other manager answers for one at a time.</summary>
    private static async Task<bool> FetchAsync(
        PayloadFetcher fetcher, string own, string from, IReadOnlyList<PublicKey> keys, byte[] hash, TextWriter output,
        CancellationToken cancel)
    {
        var text = Convert.ToBase64String(hash);
        var problem = "the enclave has no key";
        foreach (var key in keys)
        {
            try
            {
                var payload = await fetcher.FetchAsync(from, key, hash, cancel).ConfigureAwait(false);
                await fetcher.StoreAsync(own, payload, cancel).ConfigureAwait(false);
                await output.WriteLineAsync($"{text} is stored").ConfigureAwait(false);
                return true;
            }
            catch (PrivacyException e)
            {
                problem = e.Message;
            }
        }

        await output.WriteLineAsync($"{text} was not fetched: {problem}").ConfigureAwait(false);
        return false;
    }

    private static byte[] Hash(string text)
    {
        var bytes = new byte[text.Length];
        return Convert.TryFromBase64String(text, bytes, out var length) && length == PayloadHash.Size
            ? bytes[..length]
            : throw new OptionsException("hash", $"'{text}' is not the base64 of a payload's {PayloadHash.Size}-byte hash");
    }

    private static AppServer P2P(ManagerOptions options) => options.Servers.First(s => s.Kind == AppKind.P2P);

    /// <summary>
    /// Where our manager listens, from this machine; with TLS as it is advertised, for that is what its certificate names.
    /// </summary>
    private static string Own(ManagerOptions options)
    {
        if (P2P(options).Ssl is not null) return options.OwnUrl;
        var point = P2P(options).Listen.EndPoint
            ?? throw new OptionsException("serverConfigs", "has no P2P server on a port");
        var isAny = point.Address.Equals(IPAddress.Any) || point.Address.Equals(IPAddress.IPv6Any);
        return $"http://{(isAny ? new IPEndPoint(IPAddress.Loopback, point.Port) : point)}/";
    }
}
