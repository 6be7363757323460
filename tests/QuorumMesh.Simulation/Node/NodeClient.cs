using QuorumMesh.Chain;
using QuorumMesh.Node.Runtime;
using QuorumMesh.Primitives;
using QuorumMesh.Tests.Shared;

namespace QuorumMesh.Simulation.Node;

/// <summary>
/// One account of one participant: sends its next transaction once the last one is acknowledged, and sends again what a crash left open.
/// </summary>
internal sealed class NodeClient(int number, SimulatedNode node, NodeNetwork network, Random random)
{
    private const long PatienceMs = 2_000;

    private readonly byte[] _key = TestChain.Key(number);
    private readonly List<(Address Contract, SimulatedNode[] Parties)> _contracts = [];
    private Reply<Hash256>? _answer;
    private Transaction? _open;
    private ulong _nonce;
    private long _sentAt;

    public List<Hash256> Acknowledged { get; } = [];

    public bool IsIdle => _open is null;

    public void Step(long now, bool sendMore)
    {
        if (_answer is { Task.IsCompleted: true } answered) Finish(answered.Task);
        if (!node.IsUp) return;
        if (_open is not null)
        {
            if (now - _sentAt > PatienceMs) Submit(now);
        }
        else if (sendMore && random.Next(40) == 0)
        {
            _open = Next(now);
            Submit(now);
        }
    }

    private void Submit(long now)
    {
        _answer = new Reply<Hash256>();
        _sentAt = now;
        node.PostBulk(new NodeInput.LocalTransaction(new RecoveredTransaction(_open!, TestChain.AddressOf(_key)), _answer));
    }

    private void Finish(Task<Hash256> answer)
    {
        _answer = null;
        if (answer.Exception is { InnerException: { } error })
        {
            // Peers have told the node of it: that is no acknowledgement, and it asks again until it is one, or mined.
            if (error.Message.Contains("already known", StringComparison.Ordinal)) return;
            // The first try had arrived after all.
            if (!error.Message.Contains("known transaction", StringComparison.Ordinal)
                && !error.Message.Contains("nonce too low", StringComparison.Ordinal))
                throw new NodeSimulationException($"node {node.Id} refused {_open!.Hash}: {error.Message}");
        }
        else
        {
            Acknowledged.Add(answer.Result);
        }
        _open = null;
        _nonce++;
    }

    private Transaction Next(long now)
    {
        if (random.Next(3) == 0) return TestChain.Public(_key, _nonce);
        // Unique payloads most of the time; a repeated one now and then.
        var value = random.Next(10) == 0 ? 7UL : ((ulong)number << 32) | _nonce;
        if (_contracts.Count > 0 && random.Next(4) != 0)
        {
            var (contract, parties) = _contracts[random.Next(_contracts.Count)];
            var call = (byte[])[.. TestChain.CallPayload(value), (byte)parties.Sum(p => 1 << p.Id)];
            network.Distribute(node, parties, call, now);
            return TestChain.Private(_key, _nonce, call, contract);
        }
        var others = network.Nodes.Where(n => n != node && random.Next(2) == 0).ToArray();
        var creation = (byte[])[.. TestChain.RollingContract, .. TestChain.CallPayload(((ulong)number << 32) | _nonce)];
        network.Distribute(node, [node, .. others], creation, now);
        _contracts.Add((Address.ForCreate(TestChain.AddressOf(_key), _nonce), [node, .. others]));
        return TestChain.Private(_key, _nonce, creation);
    }
}
