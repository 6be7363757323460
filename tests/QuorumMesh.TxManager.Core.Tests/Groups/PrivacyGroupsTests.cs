using QuorumMesh.Contracts;
using QuorumMesh.Contracts.Payloads;
using QuorumMesh.Primitives;
using QuorumMesh.TxManager.Core.Distribution;
using QuorumMesh.TxManager.Core.Groups;
using QuorumMesh.TxManager.Core.Keys;
using QuorumMesh.TxManager.Core.Ports;
using SampleKeys = QuorumMesh.Tests.Shared.Managers.Keys;

namespace QuorumMesh.TxManager.Core.Tests.Groups;

/// <summary>What a stranger, or a caller who goes too far, can do to the groups of a manager that has the key S.</summary>
public sealed class PrivacyGroupsTests
{
    private static readonly PayloadRoom Room = new(static _ => true, static _ => { });
    private readonly Store _store = new();
    private readonly PrivacyGroups _groups;

    public PrivacyGroupsTests()
    {
        var keys = new OwnKeys(new OwnKeysTests.ChangingEnclave(new EnclaveKeys([SampleKeys.S], [], [])), []);
        _groups = new PrivacyGroups(_store, keys, new Publisher(keys, null!, null!), Random.Shared.NextBytes);
    }

    [Fact]
    public async Task A_group_without_a_member_of_ours_is_refused()
    {
        Assert.Equal(Failure.InvalidPayload, await ToldAsync(Group(1, SampleKeys.R, SampleKeys.Nobody)));
        Assert.Empty(_store.Groups);
        Assert.Null(await ToldAsync(Group(1, SampleKeys.R, SampleKeys.S)));
        Assert.Single(_store.Groups);
    }

    [Fact]
    public async Task The_deletion_of_an_unknown_group_leaves_nothing()
    {
        Assert.Null(await ToldAsync(Group(1, SampleKeys.S) with { IsDeleted = true }));
        Assert.Empty(_store.Groups);
    }

    [Fact]
    public async Task A_known_group_is_deleted_as_it_stands_whatever_else_it_is_told_with()
    {
        var group = Group(1, SampleKeys.S);
        Assert.Null(await ToldAsync(group));
        Assert.Null(await ToldAsync(group with { IsDeleted = true, Description = new string('x', 4096) }));
        var there = Assert.Single(_store.Groups).Value;
        Assert.True(there.IsDeleted);
        Assert.Equal(group.Description, there.Description);
        Assert.Equal(Failure.InvalidPayload, await ToldAsync(group));
    }

    [Theory]
    [InlineData(100_000, 0)]
    [InlineData(0, 64 * 1024 * 1024)]
    public async Task Beyond_so_many_groups_or_bytes_none_is_taken_from_others_and_what_is_there_can_be_deleted(long count, long bytes)
    {
        var there = Group(1, SampleKeys.S);
        Assert.Null(await ToldAsync(there));
        (_store.MoreGroups, _store.MoreBytes) = (count, bytes);
        Assert.Equal(Failure.Busy, await ToldAsync(Group(2, SampleKeys.S)));
        Assert.Null(await ToldAsync(there with { IsDeleted = true }));
        Assert.True(Assert.Single(_store.Groups).Value.IsDeleted);
    }

    [Theory]
    [InlineData("name", 4097, 0, 0)]
    [InlineData("description", 0, 4097, 0)]
    [InlineData("seed", 0, 0, 4097)]
    public async Task A_text_that_no_manager_reads_is_refused_when_a_group_is_made(string what, int name, int description, int seed)
    {
        var refused = await Assert.ThrowsAsync<PrivacyException>(() => _groups.CreateAsync(
            null, [SampleKeys.S], new string('n', name), new string('d', description), new byte[seed], default));
        Assert.Equal(Failure.BadRequest, refused.Failure);
        Assert.StartsWith(what + ": ", refused.Message, StringComparison.Ordinal);
        // By bytes, not by characters.
        await Assert.ThrowsAsync<PrivacyException>(() => _groups.CreateAsync(
            null, [SampleKeys.S], new string('é', 2049), string.Empty, null, default));
        Assert.Empty(_store.Groups);

        await _groups.CreateAsync(null, [SampleKeys.S], new string('é', 2048), new string('d', 4096), new byte[4096], default);
        Assert.Single(await _groups.ListAsync(PrivacyGroupType.Pantheon, Room, default));
    }

    [Fact]
    public async Task Groups_are_found_page_by_page_and_deleted_ones_take_no_place()
    {
        for (byte i = 0; i < 200; i++)
            await _store.SaveGroupAsync(Group(i, SampleKeys.S) with { IsDeleted = i % 2 == 0 }, default);
        Assert.Equal(100, (await _groups.FindAsync([SampleKeys.S], Room, default)).Count);
        Assert.Equal(100, (await _groups.ListAsync(PrivacyGroupType.Pantheon, Room, default)).Count);
        Assert.Empty(await _groups.FindAsync([SampleKeys.R], Room, default));
    }

    [Fact]
    public async Task A_list_takes_no_more_than_its_call_has_room_for()
    {
        for (byte i = 0; i < 200; i++)
            await _store.SaveGroupAsync(Group(i, SampleKeys.S), default);
        var left = 10_000L;
        var room = new PayloadRoom(bytes => (left -= bytes) >= 0, bytes => left += bytes);
        var refused = await Assert.ThrowsAsync<PrivacyException>(() => _groups.ListAsync(PrivacyGroupType.Pantheon, room, default));
        Assert.Equal(Failure.NoRoom, refused.Failure);
    }

    private static PrivacyGroup Group(byte seed, params PublicKey[] members) =>
        new("name", "description", members, [seed], PrivacyGroupType.Pantheon);

    /// <returns>Why it was refused; null when it was taken.</returns>
    private async Task<Failure?> ToldAsync(PrivacyGroup group)
    {
        try
        {
            await _groups.ReceiveAsync(PrivacyGroupCodec.Encode(group), default);
            return null;
        }
        catch (PrivacyException e)
        {
            return e.Failure;
        }
    }

    private sealed class Store : IGroupStore
    {
        public SortedDictionary<string, PrivacyGroup> Groups { get; } = new(StringComparer.Ordinal);

        public long MoreGroups { get; set; }

        public long MoreBytes { get; set; }

        public Task<PrivacyGroup?> FindGroupAsync(Hash256 id, CancellationToken cancel) =>
            Task.FromResult(Groups.GetValueOrDefault(Convert.ToHexString(id.Bytes)));

        public Task<GroupPage> GroupsAfterAsync(Hash256? lookupId, byte[]? after, int count, CancellationToken cancel)
        {
            PrivacyGroup[] page =
            [
                .. Groups.Where(entry => string.CompareOrdinal(entry.Key, Convert.ToHexString(after ?? [])) > 0)
                    .Select(entry => entry.Value).Where(group => lookupId is null || group.LookupId == lookupId).Take(count),
            ];
            return Task.FromResult(new GroupPage(page, page.Length == count ? page[^1].Id.ToArray() : null));
        }

        public Task<(long Count, long Bytes)> MeasureGroupsAsync(CancellationToken cancel) => Task.FromResult(
            (Groups.Count + MoreGroups, Groups.Values.Sum(group => (long)PrivacyGroupCodec.Encode(group).Length) + MoreBytes));

        public Task SaveGroupAsync(PrivacyGroup group, CancellationToken cancel)
        {
            Groups[Convert.ToHexString(group.Id.Bytes)] = group;
            return Task.CompletedTask;
        }
    }
}
