using QuorumMesh.Chain;
using QuorumMesh.Chain.Genesis;
using QuorumMesh.Chain.Istanbul;
using QuorumMesh.Node.Rpc.Engine;
using QuorumMesh.Node.Rpc.Json;
using QuorumMesh.Node.Runtime;
using QuorumMesh.Primitives;

namespace QuorumMesh.Node.Rpc.Api;

/// <summary>
/// What an IBFT or QBFT chain says of its validators (GoQuorum consensus/istanbul/backend/api.go); what a validator does is
/// <see cref="IstanbulVotingApi"/>.
/// </summary>
internal sealed class IstanbulApi(INode node, NodeReader reader) : IRpcApi
{
    private const string UnknownBlock = "unknown block";
    private const ulong StatusBlocks = 64;
    private const ulong MaxStatusBlocks = 10_000;

    private readonly IstanbulConfig _config = node.Config.Istanbul!;

    public void Register(RpcMethodTable table)
    {
        table.AddAsync("istanbul_getSnapshot", 1, c => SnapshotAsync(c, c.OptionalBlock(0)));
        table.AddAsync("istanbul_getSnapshotAtHash", 1, c => SnapshotAsync(c, ByHash(c)));
        table.AddAsync("istanbul_getValidators", 1, c => ValidatorsAsync(c, c.OptionalBlock(0)));
        table.AddAsync("istanbul_getValidatorsAtHash", 1, c => ValidatorsAsync(c, ByHash(c)));
        table.AddAsync("istanbul_getSignersFromBlock", 1, c => SignersAsync(c, c.OptionalBlock(0)));
        table.AddAsync("istanbul_getSignersFromBlockByHash", 1, c => SignersAsync(c, ByHash(c)));
        table.Add("istanbul_nodeAddress", 0, c => c.Result.Value(node.NodeKey.Address));
        if (!node.Profile.Rpc.HasIstanbulStatus) return;
        table.AddAsync("istanbul_status", 2, StatusAsync);
        table.AddAsync("istanbul_isValidator", 1, IsValidatorAsync);
    }

    private static BlockTag ByHash(RpcCall call) => new(BlockTagKind.Hash, 0, call.Hash(0));

    private async ValueTask SnapshotAsync(RpcCall call, BlockTag tag)
    {
        var (snapshot, epoch) = await reader.ReadAsync(call.Cancellation, scope =>
        {
            var snapshot = Snapshot(scope, tag);
            return (snapshot, ChainOf(scope).EpochAt(snapshot.Number + 1));
        }).ConfigureAwait(false);
        var json = call.Result;
        json.WriteStartObject();
        json.WriteNumber("epoch", epoch);
        json.WriteNumber("number", snapshot.Number);
        json.Value("hash"u8, snapshot.Hash);
        WriteVotes(call, snapshot, epoch);
        json.WriteStartObject("tally");
        foreach (var (candidate, tally) in snapshot.Tally.OrderBy(t => t.Key))
        {
            json.WriteStartObject(candidate.ToString());
            json.WriteBoolean("authorize", tally.Authorize);
            json.WriteNumber("votes", tally.Votes);
            json.WriteEndObject();
        }
        json.WriteEndObject();
        json.WritePropertyName("validators");
        WriteAddresses(call, snapshot.Validators.Addresses);
        json.WriteNumber("policy", _config.Policy);
        json.WriteEndObject();
    }

    private static void WriteVotes(RpcCall call, IstanbulSnapshot snapshot, ulong epoch)
    {
        // GoQuorum has no list there where votes were just cleared, and an empty one afterwards.
        if (snapshot.Votes.IsEmpty && snapshot.Number % epoch == 0)
        {
            call.Result.WriteNull("votes");
            return;
        }
        call.Result.WriteStartArray("votes");
        foreach (var vote in snapshot.Votes)
        {
            call.Result.WriteStartObject();
            call.Result.Value("validator"u8, vote.Validator);
            call.Result.WriteNumber("block", vote.Block);
            call.Result.Value("address"u8, vote.Candidate);
            call.Result.WriteBoolean("authorize", vote.Authorize);
            call.Result.WriteEndObject();
        }
        call.Result.WriteEndArray();
    }

    private async ValueTask ValidatorsAsync(RpcCall call, BlockTag tag) =>
        WriteAddresses(call, (await reader.ReadAsync(call.Cancellation, scope => Snapshot(scope, tag)).ConfigureAwait(false))
            .Validators.Addresses);

    private async ValueTask SignersAsync(RpcCall call, BlockTag tag)
    {
        var (header, author, committers) = await reader.ReadAsync(call.Cancellation, scope =>
        {
            var header = Header(scope, tag);
            // Nobody sealed the genesis.
            if (header.Number == 0 && !node.Profile.Rpc.TellsGenesisSigners) throw new RpcException("recovery failed");
            if (!ChainOf(scope).TryRecoverAuthor(header, out var author)) throw new RpcException("recovery failed");
            if (!ChainOf(scope).TryRecoverCommitters(header, out var committers)) throw new RpcException("invalid signature");
            return (header, author, committers);
        }).ConfigureAwait(false);
        call.Result.WriteStartObject();
        call.Result.WriteNumber("Number", header.Number);
        call.Result.Value("Hash"u8, header.Hash);
        call.Result.Value("Author"u8, author);
        call.Result.WritePropertyName("Committers");
        if (header.Number == 0) call.Result.WriteNullValue();
        else WriteAddresses(call, committers);
        call.Result.WriteEndObject();
    }

    private async ValueTask IsValidatorAsync(RpcCall call)
    {
        var tag = call.OptionalBlock(0);
        var isOne = await reader.ReadAsync(call.Cancellation, scope => Snapshot(scope, tag).Validators.Contains(node.NodeKey.Address))
            .ConfigureAwait(false);
        call.Result.WriteBooleanValue(isOne);
    }

    /// <summary>
    /// How many of the blocks from start up to, not including, end each validator of the end proposed; the last 64 when no range
    /// is given.
    /// </summary>
    private async ValueTask StatusAsync(RpcCall call)
    {
        if (call.Has(0) && !call.Has(1)) throw new RpcException("pass the end block number");
        if (!call.Has(0) && call.Has(1)) throw new RpcException("pass the start block number");
        var (from, to) = (call.OptionalBlock(0), call.OptionalBlock(1));
        var (activity, blocks) = await reader.ReadAsync(call.Cancellation, scope =>
        {
            var end = Number(scope, to);
            var start = call.Has(0) ? Number(scope, from) : end - Math.Min(StatusBlocks, end);
            if (start > end) throw new RpcException("start block number should be less than end block number");
            if (end > scope.Latest) throw new RpcException("end block number should be less than or equal to current block height");
            // The genesis block has no proposer.
            start = Math.Max(start, Math.Min(1, end));
            if (end - start > MaxStatusBlocks) throw new RpcException($"at most {MaxStatusBlocks} blocks at once");
            return (Activity(scope, start, end, call.Cancellation), end - start);
        }).ConfigureAwait(false);
        call.Result.WriteStartObject();
        call.Result.WriteStartObject("sealerActivity");
        foreach (var (sealer, count) in activity) call.Result.WriteNumber(sealer.ToString(), count);
        call.Result.WriteEndObject();
        call.Result.WriteNumber("numBlocks", blocks);
        call.Result.WriteEndObject();
    }

    private static SortedDictionary<Address, int> Activity(ReadScope scope, ulong start, ulong end, CancellationToken cancellation)
    {
        var activity = new SortedDictionary<Address, int>();
        foreach (var validator in Snapshot(scope, new BlockTag(BlockTagKind.Number, end, default)).Validators.Addresses)
            activity[validator] = 0;
        for (var number = start; number < end; number++)
        {
            cancellation.ThrowIfCancellationRequested();
            if (scope.View.Header(number) is { } header && ChainOf(scope).TryRecoverAuthor(header, out var author))
                activity[author] = activity.GetValueOrDefault(author) + 1;
        }
        return activity;
    }

    private static ulong Number(ReadScope scope, BlockTag tag) => tag.Kind == BlockTagKind.Number ? tag.Number : scope.Latest;

    private static BftChain ChainOf(ReadScope scope) => scope.View.Rules.Bft!;

    private static IstanbulSnapshot Snapshot(ReadScope scope, BlockTag tag) =>
        ChainOf(scope).SnapshotAfter(scope.View.Snapshot, Header(scope, tag));

    /// <summary>Nothing is pending here: that tag names no block, as in GoQuorum.</summary>
    private static BlockHeader Header(ReadScope scope, BlockTag tag) =>
        (tag.Kind == BlockTagKind.Pending ? null : scope.Header(tag)) ?? throw new RpcException(UnknownBlock);

    private static void WriteAddresses(RpcCall call, IEnumerable<Address> addresses)
    {
        call.Result.WriteStartArray();
        foreach (var address in addresses) call.Result.Value(address);
        call.Result.WriteEndArray();
    }
}
