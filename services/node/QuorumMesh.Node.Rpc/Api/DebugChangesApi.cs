using QuorumMesh.Chain;
using QuorumMesh.Node.Rpc.Engine;
using QuorumMesh.Node.Rpc.Json;
using QuorumMesh.Primitives;
using QuorumMesh.State;

namespace QuorumMesh.Node.Rpc.Api;

/// <summary>
/// debug_getModifiedAccounts*: public accounts that are new or other at the later of two blocks, in the order of the trie.
/// </summary>
internal sealed class DebugChangesApi(NodeReader reader) : IRpcApi
{
    private const int MaxCompared = 100_000;

    public void Register(RpcMethodTable table)
    {
        table.AddAsync("debug_getModifiedAccountsByNumber", 2, ByNumberAsync);
        table.AddAsync("debug_getModifiedAccountsByHash", 2, ByHashAsync);
    }

    private ValueTask ByNumberAsync(RpcCall call)
    {
        var first = call.NumberOrQuantity(0);
        ulong? last = call.Has(1) ? call.NumberOrQuantity(1) : null;
        return WriteAsync(call, scope =>
        {
            var start = scope.View.Header(first) ?? throw new RpcException($"start block {first:x} not found");
            return (start, last is { } number ? scope.View.Header(number)
                ?? throw new RpcException($"end block {number} not found") : null);
        });
    }

    private ValueTask ByHashAsync(RpcCall call)
    {
        var first = call.Hash(0);
        Hash256? last = call.Has(1) ? call.Hash(1) : null;
        return WriteAsync(call, scope =>
        {
            var start = scope.View.Header(first) ?? throw new RpcException($"start block {Bare(first)} not found");
            return (start, last is { } hash ? scope.View.Header(hash)
                ?? throw new RpcException($"end block {Bare(hash)} not found") : null);
        });
    }

    private async ValueTask WriteAsync(RpcCall call, Func<ReadScope, (BlockHeader Start, BlockHeader? End)> find)
    {
        var changed = await reader.ReadAsync(call.Cancellation, scope =>
        {
            var (start, end) = find(scope);
            // One block alone stands for what it changed itself.
            if (end is null)
            {
                end = start;
                start = (end.Number == 0 ? null : scope.View.Header(end.Number - 1))
                    ?? throw new RpcException($"block {end.Number:x} has no parent");
            }
            if (start.Number >= end.Number)
                throw new RpcException($"start block height ({start.Number}) must be less than end block height ({end.Number})");
            return Changed(scope, start.Number, end.Number, call.Cancellation);
        }).ConfigureAwait(false);
        if (changed.Count == 0)
        {
            call.Result.WriteNullValue();
            return;
        }
        call.Result.WriteStartArray();
        foreach (var address in changed) call.Result.Value(address);
        call.Result.WriteEndArray();
    }

    private static List<Address> Changed(ReadScope scope, ulong start, ulong end, CancellationToken cancellation)
    {
        var before = new Dictionary<Address, Account>();
        foreach (var (address, account) in scope.View.Accounts(ofPrivate: false, start))
        {
            cancellation.ThrowIfCancellationRequested();
            if (before.Count == MaxCompared) throw new RpcException($"the state has more than {MaxCompared} accounts: too many to compare");
            before.Add(address, account);
        }
        var changed = new List<Address>();
        foreach (var (address, account) in scope.View.Accounts(ofPrivate: false, end))
        {
            cancellation.ThrowIfCancellationRequested();
            if (before.TryGetValue(address, out var old) && old == account) continue;
            if (changed.Count == MaxCompared) throw new RpcException($"more than {MaxCompared} accounts changed: too many to list");
            changed.Add(address);
        }
        return [.. changed.OrderBy(a => Keccak.Hash(a.ToArray()))];
    }

    private static string Bare(in Hash256 hash) => Hex.ToHex(hash.ToArray(), prefix: false);
}
