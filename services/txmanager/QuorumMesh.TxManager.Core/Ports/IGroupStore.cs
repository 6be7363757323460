using QuorumMesh.Contracts.Payloads;
using QuorumMesh.Primitives;

namespace QuorumMesh.TxManager.Core.Ports;

/// <summary>Some groups of many.</summary>
/// <param name="Last">The id that the next page is after; null when there is none.</param>
public sealed record GroupPage(IReadOnlyList<PrivacyGroup> Groups, byte[]? Last);

/// <summary>
/// The privacy groups. A completed write is durable. Failures are <see cref="PrivacyException"/> with
/// <see cref="Failure.StoreUnavailable"/>, and <see cref="Failure.Damaged"/> for a row that is no group.
/// </summary>
public interface IGroupStore
{
    /// <summary>Null when there is none; one that was deleted says so.</summary>
    Task<PrivacyGroup?> FindGroupAsync(Hash256 id, CancellationToken cancel);

    /// <summary>
    /// Groups in the order of their ids, after one, at most so many; deleted ones too. A row that is no group is left out.
    /// </summary>
    /// <param name="lookupId">Of groups of exactly these members, in any order; null for all.</param>
    /// <param name="after">Null to begin, then what the page before ended with.</param>
    Task<GroupPage> GroupsAfterAsync(Hash256? lookupId, byte[]? after, int count, CancellationToken cancel);

    /// <summary>How many there are, and the bytes of all.</summary>
    Task<(long Count, long Bytes)> MeasureGroupsAsync(CancellationToken cancel);

    /// <summary>Adds a group, or marks one as deleted. One that is deleted stays so.</summary>
    Task SaveGroupAsync(PrivacyGroup group, CancellationToken cancel);
}
