using QuorumMesh.Contracts;
using QuorumMesh.TxManager.Core.Ports;

namespace QuorumMesh.TxManager.Core.Keys;

/// <summary>The enclave's public keys, remembered so that questions about them do not need the enclave.</summary>
public sealed class OwnKeys(IEnclave enclave, IReadOnlyList<PublicKey> configuredAlwaysSendTo)
{
    private volatile Snapshot? _current;

    /// <summary>Raised after active keys, revoked ones or the identity changed, on the thread that refreshed it.</summary>
    public event Action? Changed;

    /// <summary>Null until the enclave answered once.</summary>
    public IReadOnlyList<PublicKey>? ActiveOrNull => _current?.Active;

    /// <summary>Asks the enclave for its keys; to be called now and then, since they change without a restart.</summary>
    public async Task RefreshAsync(CancellationToken cancel)
    {
        var keys = await enclave.KeysAsync(cancel).ConfigureAwait(false);
        var before = _current;
        var after = new Snapshot(keys, configuredAlwaysSendTo);
        _current = after;
        if (before is null || !before.Active.SequenceEqual(after.Active) || !before.Announced.SequenceEqual(after.Announced)
            || !before.Revoked.SequenceEqual(after.Revoked) || before.Identity != after.Identity)
            Changed?.Invoke();
    }

    /// <summary>Keys that seal and open, the default one first.</summary>
    public async ValueTask<IReadOnlyList<PublicKey>> ActiveAsync(CancellationToken cancel) =>
        (await GetAsync(cancel).ConfigureAwait(false)).Active;

    /// <summary>
    /// Keys that peers are told and that we prove: the active ones, and those that a rotation has retired, for dApps and managers that
    /// still name them. A key that was retired without a successor, or revoked, is left out.
    /// </summary>
    public async ValueTask<IReadOnlyList<PublicKey>> AnnouncedAsync(CancellationToken cancel) =>
        (await GetAsync(cancel).ConfigureAwait(false)).Announced;

    /// <summary>Keys that every transaction goes to, from both configurations.</summary>
    public async ValueTask<IReadOnlyList<PublicKey>> AlwaysSendToAsync(CancellationToken cancel) =>
        (await GetAsync(cancel).ConfigureAwait(false)).AlwaysSendTo;

    /// <summary>Whether the enclave holds the key, retired ones included.</summary>
    public async ValueTask<bool> OwnsAsync(PublicKey key, CancellationToken cancel)
    {
        var snapshot = await GetAsync(cancel).ConfigureAwait(false);
        return snapshot.All.Contains(key);
    }

    /// <summary>The key that sends when none is named. Throws <see cref="Failure.EnclaveUnavailable"/> when there is
    /// none.</summary>
    public async ValueTask<PublicKey> DefaultAsync(CancellationToken cancel)
    {
        var snapshot = await GetAsync(cancel).ConfigureAwait(false);
        return snapshot.Active.Count > 0 ? snapshot.Active[0] : throw PrivacyException.Enclave("it has no active key");
    }

    /// <summary>The sender to use: the default key when none is asked for, the successor of one that a rotation has retired.</summary>
    /// <exception cref="PrivacyException"><see cref="Failure.KeyNotFound"/> for a key that is not ours.</exception>
    public async ValueTask<PublicKey> SenderAsync(PublicKey? asked, CancellationToken cancel)
    {
        if (asked is null)
            return await DefaultAsync(cancel).ConfigureAwait(false);
        var snapshot = await GetAsync(cancel).ConfigureAwait(false);
        return snapshot.Active.Contains(asked) ? asked
            : snapshot.Successors.TryGetValue(asked, out var successor) ? successor
            : throw new PrivacyException(Failure.KeyNotFound, $"Public key {asked.ToBase64()} not found when searching for private key");
    }

    /// <summary>Our keys among some.</summary>
    public async ValueTask<IReadOnlyList<PublicKey>> ManagedAsync(IReadOnlyList<PublicKey> keys, CancellationToken cancel)
    {
        var snapshot = await GetAsync(cancel).ConfigureAwait(false);
        return [.. keys.Where(snapshot.All.Contains)];
    }

    private async ValueTask<Snapshot> GetAsync(CancellationToken cancel)
    {
        if (_current is null)
            await RefreshAsync(cancel).ConfigureAwait(false);
        return _current!;
    }

    private sealed class Snapshot
    {
        public Snapshot(EnclaveKeys keys, IReadOnlyList<PublicKey> configuredAlwaysSendTo)
        {
            Active = keys.Active;
            All = [.. keys.Active, .. keys.Retired];
            Successors = keys.Successors;
            Revoked = keys.Revoked;
            Identity = keys.Identity;
            Announced = [.. keys.Active, .. keys.Retired.Where(keys.Successors.ContainsKey).Except(keys.Revoked)];
            AlwaysSendTo = [.. configuredAlwaysSendTo.Concat(keys.AlwaysSendTo).Distinct()];
        }

        public IReadOnlyList<PublicKey> Active { get; }

        public HashSet<PublicKey> All { get; }

        public IReadOnlyList<PublicKey> Announced { get; }

        public IReadOnlyList<PublicKey> Revoked { get; }

        public PublicKey? Identity { get; }

        public IReadOnlyDictionary<PublicKey, PublicKey> Successors { get; }

        public IReadOnlyList<PublicKey> AlwaysSendTo { get; }
    }
}
