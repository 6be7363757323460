using QuorumMesh.Chain.Tracing;
using QuorumMesh.Node.Rpc.Engine;
using QuorumMesh.Node.Rpc.Json;
using QuorumMesh.Node.Rpc.Tracing;
using QuorumMesh.Node.Runtime;
using QuorumMesh.Primitives;

namespace QuorumMesh.Node.Rpc.Api;

/// <summary>
/// debug_storageRangeAt: an account's slots before a transaction, in the order of their hashes. GoQuorum looks only into the
/// private state; here an account that is not there is looked up in the public one.
/// </summary>
internal sealed class DebugStorageApi(BlockReplayer replayer) : IRpcApi
{
    private const int MaxSlots = 1_000_000;
    private const int MaxAnswered = 10_000;

    public void Register(RpcMethodTable table) => table.AddAsync("debug_storageRangeAt", 5, RangeAsync);

    private ValueTask RangeAsync(RpcCall call)
    {
        var hash = call.Hash(0);
        var index = (int)call.Number(1, int.MaxValue, "int");
        var contract = call.Address(2);
        var start = call.Bytes(3);
        var count = (int)Math.Min(call.Number(4, int.MaxValue, "int"), MaxAnswered);
        if (start.Length > Hash256.Size) throw RpcException.InvalidArgument(3, "the hash of a slot has 32 bytes at most");
        return replayer.RunAsync(call, scope =>
        {
            var block = scope.View.Block(hash) ?? throw new RpcException($"block {Hex.ToHex(hash.ToArray(), prefix: false)} not found");
            if (index >= block.Transactions.Count)
                throw new RpcException($"tx index {index} out of range for block {Hex.ToHex(hash.ToArray(), prefix: false)}");
            return new ReplayTarget(block, index, 0);
        }, withPrivate: true, (view, replay, target) => Write(call, Slots(view, replay, target.Block.Number - 1, contract), start, count));
    }

    private static List<(Hash256 Hash, UInt256 Slot, UInt256 Value)> Slots(NodeView view, BlockReplay replay, ulong parent,
        in Address contract)
    {
        var isPrivate = replay.PrivateState!.GetAccount(contract) is not null;
        var state = isPrivate ? replay.PrivateState : replay.PublicState;
        if (state.GetAccount(contract) is null)
            throw new RpcException($"account {Hex.ToHex(contract.ToArray(), prefix: false)} doesn't exist");
        var changed = state.ChangedSlots(contract);
        var slots = new List<(Hash256, UInt256, UInt256)>();
        if (!state.IsWiped(contract))
        {
            foreach (var (slot, value) in view.Storage(isPrivate, parent, contract))
                if (!changed.ContainsKey(slot)) Add(slots, slot, value);
        }
        foreach (var (slot, value) in changed)
            if (!value.IsZero) Add(slots, slot, value);
        return slots;
    }

    private static void Add(List<(Hash256, UInt256, UInt256)> slots, in UInt256 slot, in UInt256 value)
    {
        if (slots.Count >= MaxSlots) throw new RpcException($"the account has more than {MaxSlots} slots: too many to put in order");
        slots.Add((Keccak.Hash(slot.ToBigEndian()), slot, value));
    }

    private static void Write(RpcCall call, List<(Hash256 Hash, UInt256 Slot, UInt256 Value)> slots, byte[] start, int count)
    {
        var from = new Hash256([.. start, .. new byte[Hash256.Size - start.Length]]);
        var ordered = slots.Where(s => s.Hash.CompareTo(from) >= 0).OrderBy(s => s.Hash).ToList();
        call.Result.WriteStartObject();
        call.Result.WriteStartObject("storage"u8);
        foreach (var (hash, slot, value) in ordered.Take(count))
        {
            call.Result.WriteStartObject(hash.ToString());
            call.Result.Value("key"u8, Hash256.FromWord(slot));
            call.Result.Value("value"u8, Hash256.FromWord(value));
            call.Result.WriteEndObject();
        }
        call.Result.WriteEndObject();
        if (ordered.Count > count) call.Result.Value("nextKey"u8, ordered[count].Hash);
        else call.Result.WriteNull("nextKey"u8);
        call.Result.WriteEndObject();
    }
}
