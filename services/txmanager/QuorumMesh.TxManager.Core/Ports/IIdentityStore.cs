using QuorumMesh.Contracts;
using QuorumMesh.Contracts.Identities;

namespace QuorumMesh.TxManager.Core.Ports;

/// <summary>A key and the identity that it was found to be of.</summary>
/// <param name="State">As that identity said last.</param>
/// <param name="Since">When the key was pinned.</param>
public sealed record KeyPin(PublicKey Key, PublicKey Identity, AnnouncedState State, PublicKey? Successor, DateTimeOffset Since);

/// <summary>What the store knows of identities.</summary>
/// <param name="Serials">Of the last announcement of each identity.</param>
public sealed record KnownIdentities(IReadOnlyList<KeyPin> Pins, IReadOnlyDictionary<PublicKey, long> Serials)
{
    /// <summary>Keys that an operator has accepted, and the serial of the last announcement before that.</summary>
    public IReadOnlyDictionary<PublicKey, long> Accepted { get; init; } = new Dictionary<PublicKey, long>();
}

/// <summary>
/// Which key is whose. A completed write is durable. Failures are <see cref="PrivacyException"/> with
/// <see cref="Failure.StoreUnavailable"/>.
/// </summary>
public interface IIdentityStore
{
    /// <summary>All of it; rows that are damaged in their form are told and left out.</summary>
    Task<KnownIdentities> IdentitiesAsync(CancellationToken cancel);

    /// <summary>
    /// Adds pins or writes them anew, with the serial that they follow from, in one transaction. A serial never goes back, a key never goes
    /// from one identity to another, and one that is revoked stays so: a manager that shares the database may have been first.
    /// </summary>
    Task SavePinsAsync(PublicKey identity, long serial, IReadOnlyList<KeyPin> pins, CancellationToken cancel);

    /// <summary>An operator's word: a key is nobody's now, and is pinned anew by whoever proves it.</summary>
    /// <returns>False when it was nobody's.</returns>
    Task<bool> ForgetPinAsync(PublicKey key, CancellationToken cancel);

    /// <summary>An operator's word: a key is an identity's, whosever it was and however it stood, in one transaction.</summary>
    /// <param name="serial">Of the identity's last announcement: what that one or an earlier one says does not revoke the key.</param>
    Task AcceptPinAsync(KeyPin pin, long serial, CancellationToken cancel);

    /// <summary>The serial of our own last announcement; 0 for none.</summary>
    Task<long> OwnSerialAsync(CancellationToken cancel);

    /// <summary>Keeps the serial of our own announcement, before anybody sees it.</summary>
    Task SaveOwnSerialAsync(long serial, CancellationToken cancel);
}
