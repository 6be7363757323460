using System.Security.Cryptography;
using QuorumMesh.Contracts;
using QuorumMesh.Contracts.Payloads;
using QuorumMesh.Enclave.Core;
using QuorumMesh.Enclave.Keys;
using QuorumMesh.Primitives;
using QuorumMesh.ServiceDefaults;
using QuorumMesh.TxManager.Core;
using QuorumMesh.TxManager.Core.Ports;

namespace QuorumMesh.TxManager.Hosting;

/// <summary>
/// The enclave in the manager's own process, for a configuration of Tessera's that has the keys and no server ENCLAVE (tessera 5.1). An
/// enclave of its own keeps them from whoever gets into the manager; the log says so at the start.
/// </summary>
internal sealed class InProcessEnclave : IEnclave, IDisposable
{
    private const int SharedKeys = 4096;

    private readonly KeyRing _ring;
    private readonly SharedKeyCache _cache = new(SharedKeys);
    private readonly PayloadSealer _sealer;

    private InProcessEnclave(KeyRing ring)
    {
        _ring = ring;
        _sealer = new PayloadSealer(ring, _cache, RandomNumberGenerator.Fill);
    }

    /// <exception cref="OptionsException">A key cannot be used; the message names its place.</exception>
    public static async Task<InProcessEnclave> LoadAsync(string configFile, CancellationToken cancel)
    {
        try
        {
            using var provider = new TesseraKeyProvider(configFile, TimeProvider.System, Environment.GetEnvironmentVariable);
            var ring = await provider.LoadAsync(cancel).ConfigureAwait(false);
            if (provider.Freshness.Contact is null)
                return new InProcessEnclave(ring);
            foreach (var key in ring.Keys)
                key.Dispose();
            throw new OptionsException("keys.keyData",
                "has keys in a vault, which are looked at again and again: an enclave of its own does that. Add a server with app ENCLAVE "
                + "and start quorummesh-enclave with this file");
        }
        catch (KeyException e)
        {
            throw new OptionsException(e.Key, e.Problem, e);
        }
    }

    public Task<EnclaveKeys> KeysAsync(CancellationToken cancel) => Task.FromResult(new EnclaveKeys(
        [.. _ring.Keys.Where(k => k.State != EnclaveKeyState.Retired).Select(k => k.PublicKey)],
        [.. _ring.Keys.Where(k => k.State == EnclaveKeyState.Retired).Select(k => k.PublicKey)],
        [])
    {
        Successors = Successors(),
        Revoked = [.. _ring.Revoked.Select(r => r.Key)],
    });

    public Task<EncodedPayload> SealAsync(ReadOnlyMemory<byte> payload, PublicKey sender, IReadOnlyList<PublicKey> recipients,
        IReadOnlyList<AffectedPayload> affected, CancellationToken cancel) =>
        AnswerAsync(Failure.KeyNotFound, () => WithProofs(_sealer.Seal(payload.Span, sender, recipients), affected), cancel);

    public Task<EncodedPayload> SealStoredAsync(RawPayload raw, IReadOnlyList<PublicKey> recipients,
        IReadOnlyList<AffectedPayload> affected, CancellationToken cancel) =>
        AnswerAsync(Failure.KeyNotFound, () => WithProofs(_sealer.SealFromRaw(raw, recipients), affected), cancel);

    public Task<IReadOnlyList<PayloadHash>> UnprovenAsync(
        EncodedPayload payload, IReadOnlyList<AffectedPayload> affected, CancellationToken cancel) =>
        AnswerAsync(Failure.NoSuitableKey,
            () => _sealer.InvalidSecurityHashes(payload.CipherText, payload.AffectedTransactions, affected), cancel);

    public Task<RawPayload> SealRawAsync(ReadOnlyMemory<byte> payload, PublicKey sender, CancellationToken cancel) =>
        AnswerAsync(Failure.KeyNotFound, () => _sealer.SealRaw(payload.Span, sender), cancel);

    public Task<OpenedPayload> OpenAsync(EncodedPayload payload, PublicKey? ownKey, CancellationToken cancel) =>
        AnswerAsync(Failure.NoSuitableKey, () => _sealer.Open(payload, ownKey), cancel);

    public Task<byte[]> OpenRawAsync(RawPayload raw, CancellationToken cancel) =>
        AnswerAsync(Failure.NoSuitableKey, () => _sealer.OpenRaw(raw).Payload, cancel);

    public Task<byte[]> AddBoxAsync(EncodedPayload payload, PublicKey recipient, CancellationToken cancel) =>
        AnswerAsync(Failure.KeyNotFound, () => _sealer.AddBox(payload, recipient), cancel);

    public void Dispose()
    {
        _cache.Dispose();
        foreach (var key in _ring.Keys)
            key.Dispose();
    }

    private EncodedPayload WithProofs(EncodedPayload payload, IReadOnlyList<AffectedPayload> affected) =>
        payload with { AffectedTransactions = _sealer.SecurityHashes(payload.CipherText, affected) };

    /// <summary>Under one name the active key sends for a retired one.</summary>
    private Dictionary<PublicKey, PublicKey> Successors()
    {
        var active = _ring.Keys.Where(k => k.State == EnclaveKeyState.Active).DistinctBy(k => k.Id)
            .ToDictionary(k => k.Id, k => k.PublicKey);
        return _ring.Keys.Where(k => k.State == EnclaveKeyState.Retired && active.ContainsKey(k.Id))
            .ToDictionary(k => k.PublicKey, k => active[k.Id]);
    }

    /// <remarks>On another thread: a long payload takes a while, and the caller may have more to start.</remarks>
    private static async Task<T> AnswerAsync<T>(Failure unknownKey, Func<T> work, CancellationToken cancel)
    {
        try
        {
            return await Task.Run(work, cancel).ConfigureAwait(false);
        }
        catch (UnknownKeyException e)
        {
            throw new PrivacyException(unknownKey, e.Message, e);
        }
        catch (InvalidCipherException e)
        {
            throw new PrivacyException(Failure.InvalidPayload, e.Message, e);
        }
    }
}
