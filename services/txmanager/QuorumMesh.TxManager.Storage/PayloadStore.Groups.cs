using System.Globalization;
using QuorumMesh.Contracts;
using QuorumMesh.Contracts.Payloads;
using QuorumMesh.Primitives;
using QuorumMesh.TxManager.Core;
using QuorumMesh.TxManager.Core.Ports;
using QuorumMesh.TxManager.Storage.Writing;

namespace QuorumMesh.TxManager.Storage;

/// <content>
/// Tessera's table of privacy groups, as it is: without a checksum of ours, for members and seed of a group are what its id is the hash of.
/// </content>
public sealed partial class PayloadStore
{
    private const string FindGroup = "SELECT ID, DATA FROM PRIVACY_GROUP WHERE ID = @p0";
    private const string GroupsOf = "SELECT ID, DATA FROM PRIVACY_GROUP WHERE LOOKUP_ID = @p2 AND ID > @p0 ORDER BY ID LIMIT @p1";
    private const string GroupsAfter = "SELECT ID, DATA FROM PRIVACY_GROUP WHERE ID > @p0 ORDER BY ID LIMIT @p1";
    private const string MeasureGroups = "SELECT count(*), coalesce(sum(length(DATA)), 0) FROM PRIVACY_GROUP";

    /// <inheritdoc/>
    public async Task<PrivacyGroup?> FindGroupAsync(Hash256 id, CancellationToken cancel) =>
        await _reader.FirstAsync(FindGroup, cancel, id.ToArray()).ConfigureAwait(false) is { } row ? Group(row) : null;

    /// <inheritdoc/>
    public async Task<GroupPage> GroupsAfterAsync(Hash256? lookupId, byte[]? after, int count, CancellationToken cancel)
    {
        var rows = lookupId is { } of
            ? await _reader.ListAsync(GroupsOf, cancel, after ?? [], count, of.ToArray()).ConfigureAwait(false)
            : await _reader.ListAsync(GroupsAfter, cancel, after ?? [], count).ConfigureAwait(false);
        return new GroupPage([.. rows.Select(GroupOrNull).OfType<PrivacyGroup>()], rows.Count == count ? rows[^1][0] as byte[] : null);
    }

    /// <inheritdoc/>
    public async Task<(long Count, long Bytes)> MeasureGroupsAsync(CancellationToken cancel)
    {
        var row = (await _reader.ListAsync(MeasureGroups, cancel).ConfigureAwait(false))[0];
        return (Convert.ToInt64(row[0], CultureInfo.InvariantCulture), Convert.ToInt64(row[1], CultureInfo.InvariantCulture));
    }

    /// <inheritdoc/>
    public Task SaveGroupAsync(PrivacyGroup group, CancellationToken cancel) => _writer.WriteAsync(new SaveGroup(group, Now));

    /// <summary>One that is damaged takes the others with it from no list; the check of the database tells of it.</summary>
    private static PrivacyGroup? GroupOrNull(object?[] row)
    {
        try
        {
            return Group(row);
        }
        catch (PrivacyException e) when (e.Failure == Failure.Damaged)
        {
            return null;
        }
    }

    private static PrivacyGroup Group(object?[] row)
    {
        var id = row[0] as byte[] ?? [];
        try
        {
            return PrivacyGroupCodec.Decode(row[1] as byte[] ?? []) with
            {
                KnownAs = id.Length == Hash256.Size ? new Hash256(id) : throw new WireFormatException("id: has not 32 bytes", 0),
            };
        }
        catch (WireFormatException e)
        {
            throw new PrivacyException(
                Failure.Damaged, $"The stored privacy group {Convert.ToBase64String(id)} is damaged: {e.Message}", e);
        }
    }
}
