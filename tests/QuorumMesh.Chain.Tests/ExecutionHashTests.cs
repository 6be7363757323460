using CsCheck;
using QuorumMesh.Chain.Execution;
using QuorumMesh.Chain.Genesis;
using QuorumMesh.Chain.Payloads;
using QuorumMesh.Evm;
using QuorumMesh.Primitives;
using QuorumMesh.State;

namespace QuorumMesh.Chain.Tests;

/// <summary>
/// What senders compute of their own transactions, each by itself and side by side on the state before the block, against what the block's
/// run makes of all of them.
/// </summary>
public sealed class ExecutionHashTests
{
    private const int Senders = 6;

    /// <summary>slot 0 = 31 · slot 0 + first word; slot (first word) = 1.</summary>
    private static readonly byte[] Code = Hex.FromHex("600054601f02600035018060005560016000355500");

    /// <summary>Deploys it, and counts its own creation at slot 1 before.</summary>
    private static readonly byte[] InitCode = [0x60, 7, 0x60, 1, 0x55, 0x74, .. Code, .. Hex.FromHex("6000526015600bf3")];

    private static readonly byte[][] Keys = [.. Enumerable.Range(0, Senders).Select(i => Keccak.Hash([(byte)i]).ToArray())];

    /// <summary>Which of the senders call their contracts in each block, and with what.</summary>
    private static readonly Gen<(int Sender, byte Word)[][]> Blocks =
        Gen.Select(Gen.Int[0, Senders - 1], Gen.Byte[1, 255]).Array[1, 8].Array[1, 4];

    [Fact]
    public void Hashes_computed_side_by_side_are_those_of_the_blocks_run() => Blocks.Sample(blocks =>
    {
        var network = new Network();
        network.Mine([.. Enumerable.Range(0, Senders).Select(i => (i, InitCode, (Address?)null))], _ => true);
        foreach (var block in blocks)
        {
            var seen = new HashSet<int>();
            // Of two of one sender in a block the second was computed on the state without the first.
            var calls = block.Select(call => (call.Sender, ((UInt256)(uint)call.Word).ToBigEndian(), (Address?)ContractOf(call.Sender)));
            network.Mine([.. calls], sender => seen.Add(sender));
        }
    }, iter: 40);

    private static Address ContractOf(int sender) => Address.ForCreate(AddressOf(Keys[sender]), 0);

    private static Address AddressOf(byte[] key) => Secp256k1.AddressOf(Secp256k1.PublicKey(key));

    private sealed class Network
    {
        private readonly ulong[] _nonces = new ulong[Senders];
        private readonly PayloadHash[] _creations = new PayloadHash[Senders];
        private int _payloads;

        private readonly TestNode _node = new(GenesisFile.Parse("""
            { "alloc": {}, "config": { "chainId": 10, "homesteadBlock": 0, "eip150Block": 0, "eip155Block": 0, "eip158Block": 0,
                "byzantiumBlock": 0, "constantinopleBlock": 0, "petersburgBlock": 0, "istanbulBlock": 0, "isQuorum": true,
                "privacyEnhancementsBlock": 0 },
              "difficulty": "0x0", "gasLimit": "0xE0000000" }
            """), CompatibilityProfile.V24);

        /// <param name="passes">Whether a sender's next transaction is to keep its promise, in the order of the block.</param>
        public void Mine((int Sender, byte[] Input, Address? To)[] sends, Func<int, bool> passes)
        {
            var nonces = sends.Select(send => _nonces[send.Sender]++).ToArray();
            var hashes = new Hash256[sends.Length];
            Parallel.For(0, sends.Length, i => hashes[i] = Simulate(sends[i], nonces[i]));
            var answers = new Dictionary<PayloadHash, PayloadAnswer>();
            var transactions = sends.Select((send, i) => Sent(send, nonces[i], hashes[i], answers)).ToList();
            var built = new BlockBuilder(_node.Rules, _node.Public, _node.Private).Build(
                _node.Producer.Prepare(_node.Head, BlockTime.OfNanoseconds(_node.Head.Time + 1000)), default,
                new TransactionList(transactions), new(_node.Public.Head, null, _node.HashAt), new BuildLimits());
            var execution = _node.Import(built.Block, hash => answers[hash]).Execution;
            Assert.Equal(sends.Select(send => (byte)(passes(send.Sender) ? 1 : 0)), execution.PrivateReceipts!.Select(r => r!.Status));
        }

        private Hash256 Simulate((int Sender, byte[] Input, Address? To) send, ulong nonce)
        {
            var header = _node.Head;
            var processor = new TransactionProcessor(_node.Rules.ContextOf(header, default, _node.HashAt),
                _node.Rules.ForkAt(header.Number), _node.Rules.TransactionRulesAt(header.Number));
            var (shared, own, affected) = (new WorldState(_node.Public.Head), new WorldState(_node.Private.Head), new AffectedContracts());
            var from = AddressOf(Keys[send.Sender]);
            if (send.To is null) shared.SetNonce(from, nonce);
            var message = new TransactionMessage { From = from, To = send.To, Nonce = nonce, GasLimit = 1_000_000, Data = send.Input };
            Assert.True(processor.Simulate(message, shared, own, affected).IsSuccess);
            return PrivacyVerification.ExecutionHash(affected, shared, own)!.Value;
        }

        private RecoveredTransaction Sent((int Sender, byte[] Input, Address? To) send, ulong nonce, Hash256 promised,
            Dictionary<PayloadHash, PayloadAnswer> answers)
        {
            // Each send is encrypted anew: no two have one name.
            var hash = Sha3.HashPayload(BitConverter.GetBytes(_payloads++));
            if (send.To is null) _creations[send.Sender] = hash;
            answers[hash] = PayloadAnswer.Here(hash, send.Input) with
            {
                PrivacyMode = PrivacyMode.PrivateStateValidation,
                AffectedTransactions = send.To is null ? [] : [_creations[send.Sender]],
                ExecutionHash = System.Text.Encoding.ASCII.GetBytes(Convert.ToBase64String(promised.Bytes)),
            };
            var tx = new Transaction { Nonce = nonce, GasLimit = 1_000_000, To = send.To, Data = hash.ToArray() };
            return new RecoveredTransaction(TransactionSigner.SignPrivate(tx, Keys[send.Sender]), AddressOf(Keys[send.Sender]));
        }
    }
}
