using System.Text;
using QuorumMesh.Contracts;
using QuorumMesh.Contracts.Payloads;
using QuorumMesh.Primitives;
using QuorumMesh.TxManager.Core.Distribution;
using QuorumMesh.TxManager.Core.Keys;
using QuorumMesh.TxManager.Core.Ports;

namespace QuorumMesh.TxManager.Core.Groups;

/// <summary>
/// Privacy groups as Tessera has them (tessera 1.11): made and deleted by a member, told to the managers of the others, and named by sends
/// instead of recipients.
/// </summary>
/// <param name="random">Fills a seed.</param>
public sealed class PrivacyGroups(IGroupStore store, OwnKeys ownKeys, Publisher publisher, Action<byte[]> random)
{
    /// <summary>Groups that other managers may add; a stranger can tell of as many as he likes.</summary>
    private const long MaxGroups = 100_000;

    /// <summary>Bytes of all groups together, from which on no other manager may add one.</summary>
    private const long MaxBytes = 64L * 1024 * 1024;

    /// <summary>Groups that are read at once.</summary>
    private const int PageSize = 64;

    /// <summary>What a group in a list takes beside its texts and keys.</summary>
    private const int GroupOverhead = 256;

    /// <summary>What a member takes: the key, and its text in the answer.</summary>
    private const int MemberCost = 160;

    private const int SeedLength = 20;

    /// <summary>Makes a group, at the managers of its members first.</summary>
    /// <param name="seed">Null or empty for a random one.</param>
    /// <exception cref="PrivacyException"><see cref="Failure.Forbidden"/>: the maker is no member; <see cref="Failure.BadRequest"/>: there
    /// is, or was, such a group, or a text is too long; or a member's manager is unknown or refuses.</exception>
    public async Task<PrivacyGroup> CreateAsync(
        PublicKey? from, IReadOnlyList<PublicKey> members, string name, string description, byte[]? seed, CancellationToken cancel)
    {
        if (members.Count > PrivacyGroupCodec.MaxMembers)
            throw new PrivacyException(Failure.BadRequest, $"addresses: at most {PrivacyGroupCodec.MaxMembers}");
        // What is longer no manager reads, ourselves included.
        RequireShort("name", Encoding.UTF8.GetByteCount(name));
        RequireShort("description", Encoding.UTF8.GetByteCount(description));
        RequireShort("seed", seed?.Length ?? 0);
        var sender = await ownKeys.SenderAsync(from, cancel).ConfigureAwait(false);
        if (!members.Contains(sender))
            throw new PrivacyException(Failure.Forbidden, "The list of members in a privacy group should include self");
        var group = new PrivacyGroup(name, description, [.. members.Distinct()], seed ?? RandomSeed(), PrivacyGroupType.Pantheon);
        if (await store.FindGroupAsync(group.Id, cancel).ConfigureAwait(false) is { } there)
            throw new PrivacyException(Failure.BadRequest, there.IsDeleted
                ? "A privacy group of these members with this seed was deleted, and cannot be made again: choose another seed"
                : "There is a privacy group of these members with this seed already");
        await TellAsync(group, cancel).ConfigureAwait(false);
        await store.SaveGroupAsync(group, cancel).ConfigureAwait(false);
        return group;
    }

    /// <exception cref="PrivacyException"><see cref="Failure.NotFound"/>, also for one that was deleted.</exception>
    public async Task<PrivacyGroup> RetrieveAsync(ReadOnlyMemory<byte> id, CancellationToken cancel)
    {
        var group = id.Length == Hash256.Size ? await store.FindGroupAsync(new Hash256(id.Span), cancel).ConfigureAwait(false) : null;
        return group is { IsDeleted: false } ? group
            : throw new PrivacyException(Failure.NotFound, $"Privacy group Id[{Convert.ToBase64String(id.Span)}] not found");
    }

    /// <summary>The groups of exactly these members that were not deleted.</summary>
    /// <exception cref="PrivacyException"><see cref="Failure.NoRoom"/>.</exception>
    public Task<IReadOnlyList<PrivacyGroup>> FindAsync(IReadOnlyList<PublicKey> members, PayloadRoom room, CancellationToken cancel) =>
        ListAsync(PrivacyGroup.LookupIdOf(members), static _ => true, room, cancel);

    /// <summary>Every group of a type that was not deleted.</summary>
    /// <exception cref="PrivacyException"><see cref="Failure.NoRoom"/>.</exception>
    public Task<IReadOnlyList<PrivacyGroup>> ListAsync(PrivacyGroupType type, PayloadRoom room, CancellationToken cancel) =>
        ListAsync(null, group => group.Type == type, room, cancel);

    /// <summary>Deletes a group, at the managers of its members first.</summary>
    /// <exception cref="PrivacyException"><see cref="Failure.Forbidden"/>: the sender is no member.</exception>
    public async Task<PrivacyGroup> DeleteAsync(ReadOnlyMemory<byte> id, PublicKey? from, CancellationToken cancel)
    {
        var group = await RetrieveAsync(id, cancel).ConfigureAwait(false);
        if (!group.Members.Contains(from ?? await ownKeys.DefaultAsync(cancel).ConfigureAwait(false)))
            throw new PrivacyException(Failure.Forbidden, "Sender of request does not belong to this privacy group");
        // Another's key deletes nothing in its name.
        await ownKeys.SenderAsync(from, cancel).ConfigureAwait(false);
        var deleted = group with { IsDeleted = true };
        await TellAsync(deleted, cancel).ConfigureAwait(false);
        await store.SaveGroupAsync(deleted, cancel).ConfigureAwait(false);
        return deleted;
    }

    /// <summary>
    /// Another manager tells of a group that it made or deleted. Told again it changes nothing: a Tessera tells a manager once for each
    /// member that is there.
    /// </summary>
    /// <exception cref="WireFormatException">The bytes are no group.</exception>
    /// <exception cref="PrivacyException"><see cref="Failure.InvalidPayload"/> for one that may not be told; <see cref="Failure.Busy"/>:
    /// there are as many as there may be.</exception>
    public async Task ReceiveAsync(ReadOnlyMemory<byte> encoded, CancellationToken cancel)
    {
        var group = PrivacyGroupCodec.Decode(encoded.Span);
        if (group.Type == PrivacyGroupType.Resident)
            throw new PrivacyException(Failure.InvalidPayload, "A resident group is of one manager alone, and is told to none");
        if ((await ownKeys.ManagedAsync(group.Members, cancel).ConfigureAwait(false)).Count == 0)
            throw new PrivacyException(Failure.InvalidPayload, "None of the privacy group's members has its key at this manager");
        var there = await store.FindGroupAsync(group.Id, cancel).ConfigureAwait(false);
        if (there is null)
            await AddAsync(group, encoded.Length, cancel).ConfigureAwait(false);
        else if (there.IsDeleted && !group.IsDeleted)
            throw new PrivacyException(Failure.InvalidPayload, "The privacy group was deleted, and cannot be made again");
        else if (group.IsDeleted && !there.IsDeleted)
            await store.SaveGroupAsync(there with { IsDeleted = true }, cancel).ConfigureAwait(false);
    }

    private async Task AddAsync(PrivacyGroup group, int length, CancellationToken cancel)
    {
        // Nothing to delete; a row for each that somebody says was deleted would be his to fill the table with.
        if (group.IsDeleted)
            return;
        var (count, bytes) = await store.MeasureGroupsAsync(cancel).ConfigureAwait(false);
        if (count >= MaxGroups || bytes + length > MaxBytes)
            throw new PrivacyException(
                Failure.Busy, $"There are {count} privacy groups of {bytes} bytes here, and there may be no more of other managers");
        await store.SaveGroupAsync(group, cancel).ConfigureAwait(false);
    }

    /// <summary>Page by page; what is found counts in the room until the call ends.</summary>
    private async Task<IReadOnlyList<PrivacyGroup>> ListAsync(
        Hash256? lookupId, Func<PrivacyGroup, bool> isWanted, PayloadRoom room, CancellationToken cancel)
    {
        var (groups, taken) = (new List<PrivacyGroup>(), 0L);
        using var place = room.Begin();
        byte[]? after = null;
        do
        {
            var page = await store.GroupsAfterAsync(lookupId, after, PageSize, cancel).ConfigureAwait(false);
            foreach (var group in page.Groups.Where(g => !g.IsDeleted && isWanted(g)))
            {
                var cost = Cost(group);
                place.Take(cost);
                taken += cost;
                groups.Add(group);
            }

            after = page.Last;
        }
        while (after is not null);
        place.Keep(taken);
        return groups;
    }

    private static long Cost(PrivacyGroup group) => GroupOverhead + (2L * (group.Name.Length + group.Description.Length))
        + group.Seed.Length + (MemberCost * (long)group.Members.Count);

    private static void RequireShort(string name, int length)
    {
        if (length > PrivacyGroupCodec.MaxText)
            throw new PrivacyException(Failure.BadRequest, $"{name}: at most {PrivacyGroupCodec.MaxText} bytes");
    }

    /// <summary>Once at each manager, whatever the number of its keys; all at once, the first failure after all have ended.</summary>
    private async Task TellAsync(PrivacyGroup group, CancellationToken cancel)
    {
        var targets = await publisher.ResolveAsync(group.Members, PrivacyMode.StandardPrivate, cancel).ConfigureAwait(false);
        var encoded = PrivacyGroupCodec.Encode(group);
        await Task.WhenAll(targets.Select(t => t.Url).Distinct().Select(url => publisher.SendGroupAsync(encoded, url, cancel)))
            .ConfigureAwait(false);
    }

    private byte[] RandomSeed()
    {
        var seed = new byte[SeedLength];
        random(seed);
        return seed;
    }
}
