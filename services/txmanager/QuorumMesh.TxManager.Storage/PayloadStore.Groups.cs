using System.Globalization;
using QuorumMesh.Contracts;
using QuorumMesh.Contracts.Payloads;
using QuorumMesh.Primitives;
using QuorumMesh.TxManager.Core;
using QuorumMesh.TxManager.Storage.Writing;

namespace QuorumMesh.TxManager.Storage;

/// <content>
/// Tessera's table of privacy groups, as it is: without a checksum of ours, for members and seed of a group are what its id is the hash of.
/// </content>
public sealed partial class PayloadStore
{
    private const string FindGroup = "SELECT ID, DATA FROM PRIVACY_GROUP WHERE ID = @p0";
    private const string FindGroups = "SELECT ID, DATA FROM PRIVACY_GROUP WHERE LOOKUP_ID = @p0 ORDER BY ID LIMIT @p1";
    private const string GroupsAfter = "SELECT ID, DATA FROM PRIVACY_GROUP WHERE ID > @p0 ORDER BY ID LIMIT @p1";
    private const string CountGroups = "SELECT count(*) FROM PRIVACY_GROUP";

    /// <inheritdoc/>
    public async Task<PrivacyGroup?> FindGroupAsync(Hash256 id, CancellationToken cancel) =>
        await _reader.FirstAsync(FindGroup, cancel, id.ToArray()).ConfigureAwait(false) is { } row ? Group(row) : null;

    /// <inheritdoc/>
    public async Task<IReadOnlyList<PrivacyGroup>> FindGroupsAsync(Hash256 lookupId, int count, CancellationToken cancel) =>
        [.. (await _reader.ListAsync(FindGroups, cancel, lookupId.ToArray(), count).ConfigureAwait(false)).Select(Group)];

    /// <inheritdoc/>
    public async Task<IReadOnlyList<PrivacyGroup>> GroupsAfterAsync(Hash256? after, int count, CancellationToken cancel) =>
        [.. (await _reader.ListAsync(GroupsAfter, cancel, after?.ToArray() ?? [], count).ConfigureAwait(false)).Select(Group)];

    /// <inheritdoc/>
    public async Task<long> CountGroupsAsync(CancellationToken cancel) => Convert.ToInt64(
        (await _reader.ListAsync(CountGroups, cancel).ConfigureAwait(false))[0][0], CultureInfo.InvariantCulture);

    /// <inheritdoc/>
    public Task SaveGroupAsync(PrivacyGroup group, CancellationToken cancel) => _writer.WriteAsync(new SaveGroup(group, Now));

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
