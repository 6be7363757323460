using QuorumMesh.Contracts.Payloads;
using QuorumMesh.Primitives;

namespace QuorumMesh.TxManager.Core.Ports;

/// <summary>
/// The privacy groups. A completed write is durable. Failures are <see cref="PrivacyException"/> with
/// <see cref="Failure.StoreUnavailable"/>, and <see cref="Failure.Damaged"/> for a row that is no group.
/// </summary>
public interface IGroupStore
{
    /// <summary>Null when there is none; one that was deleted says so.</summary>
    Task<PrivacyGroup?> FindGroupAsync(Hash256 id, CancellationToken cancel);

    /// <summary>Groups of exactly these members, in any order, at most so many; deleted ones too.</summary>
    Task<IReadOnlyList<PrivacyGroup>> FindGroupsAsync(Hash256 lookupId, int count, CancellationToken cancel);

    /// <summary>Groups in the order of their ids, after one, at most so many; deleted ones too.</summary>
    /// <param name="after">Null to begin.</param>
    Task<IReadOnlyList<PrivacyGroup>> GroupsAfterAsync(Hash256? after, int count, CancellationToken cancel);

    /// <summary>How many there are.</summary>
    Task<long> CountGroupsAsync(CancellationToken cancel);

    /// <summary>Adds a group, or marks one as deleted. One that is deleted stays so.</summary>
    Task SaveGroupAsync(PrivacyGroup group, CancellationToken cancel);
}
