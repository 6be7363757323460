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

    /// <summary>Groups of the same members that are found, or listed at once.</summary>
    private const int MaxFound = 1000;

    private const int SeedLength = 20;

    /// <summary>Makes a group, at the managers of its members first.</summary>
    /// <param name="seed">Null or empty for a random one.</param>
    /// <exception cref="PrivacyException"><see cref="Failure.Forbidden"/>: the maker is no member; <see cref="Failure.BadRequest"/>: there
    /// is, or was, such a group; or a member's manager is unknown or refuses.</exception>
    public async Task<PrivacyGroup> CreateAsync(
        PublicKey? from, IReadOnlyList<PublicKey> members, string name, string description, byte[]? seed, CancellationToken cancel)
    {
        if (members.Count > PrivacyGroupCodec.MaxMembers)
            throw new PrivacyException(Failure.BadRequest, $"addresses: at most {PrivacyGroupCodec.MaxMembers}");
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
    public async Task<PrivacyGroup> RetrieveAsync(ReadOnlyMemory<byte> id, CancellationToken cancel) =>
        (id.Length == Hash256.Size ? await store.FindGroupAsync(new Hash256(id.Span), cancel).ConfigureAwait(false) : null) is
            { IsDeleted: false } group
            ? group
            : throw new PrivacyException(Failure.NotFound, $"Privacy group Id[{Convert.ToBase64String(id.Span)}] not found");

    /// <summary>The groups of exactly these members that were not deleted.</summary>
    public async Task<IReadOnlyList<PrivacyGroup>> FindAsync(IReadOnlyList<PublicKey> members, CancellationToken cancel) =>
        [.. (await store.FindGroupsAsync(PrivacyGroup.LookupIdOf(members), MaxFound, cancel).ConfigureAwait(false))
            .Where(g => !g.IsDeleted)];

    /// <summary>Every group of a type that was not deleted.</summary>
    public async Task<IReadOnlyList<PrivacyGroup>> ListAsync(PrivacyGroupType type, CancellationToken cancel)
    {
        var groups = new List<PrivacyGroup>();
        Hash256? after = null;
        do
        {
            var page = await store.GroupsAfterAsync(after, MaxFound, cancel).ConfigureAwait(false);
            groups.AddRange(page.Where(g => g.Type == type && !g.IsDeleted));
            after = page.Count == MaxFound ? page[^1].Id : null;
        }
        while (after is not null);
        return groups;
    }

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
        var there = await store.FindGroupAsync(group.Id, cancel).ConfigureAwait(false);
        if (there is null && await store.CountGroupsAsync(cancel).ConfigureAwait(false) >= MaxGroups)
            throw new PrivacyException(Failure.Busy, $"There are {MaxGroups} privacy groups here, and there may be no more");
        if (there is { IsDeleted: true } && !group.IsDeleted)
            throw new PrivacyException(Failure.InvalidPayload, "The privacy group was deleted, and cannot be made again");
        if (there is null || there.IsDeleted != group.IsDeleted)
            await store.SaveGroupAsync(group, cancel).ConfigureAwait(false);
    }

    /// <summary>Once at each manager, whatever the number of its keys; all at once, the first failure after all have ended.</summary>
    private async Task TellAsync(PrivacyGroup group, CancellationToken cancel)
    {
        var targets = await publisher.ResolveAsync(group.Members, cancel).ConfigureAwait(false);
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
