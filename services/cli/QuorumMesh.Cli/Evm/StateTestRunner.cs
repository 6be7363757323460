using System.Collections.Concurrent;
using System.Diagnostics;
using QuorumMesh.Chain.Execution;
using QuorumMesh.Evm;
using QuorumMesh.Evm.Compiler;
using QuorumMesh.Primitives;
using QuorumMesh.State;

namespace QuorumMesh.Cli.Evm;

/// <param name="Failure">Null when the case passed.</param>
/// <param name="Elapsed">Wall time of the case: its state, execution and root.</param>
internal sealed record StateTestResult(StateTestCase Case, string? Failure, TimeSpan Elapsed);

/// <summary>Runs public state tests: post-state root, hash of the logs, and the reason of expected rejections.</summary>
internal static class StateTestRunner
{
    private static readonly Dictionary<string, TransactionInvalid[]> _reasons = new()
    {
        ["TR_TypeNotSupported"] = [TransactionInvalid.TypeNotSupported],
        ["TR_NoFunds"] = [TransactionInvalid.InsufficientFunds, TransactionInvalid.InsufficientBalanceForTransfer],
        ["TR_NoFundsX"] = [TransactionInvalid.InsufficientFunds, TransactionInvalid.InsufficientBalanceForTransfer],
        ["TR_NoFundsOrGas"] = [TransactionInvalid.InsufficientFunds, TransactionInvalid.InsufficientBalanceForTransfer,
            TransactionInvalid.IntrinsicGas],
        ["TransactionException.INSUFFICIENT_ACCOUNT_FUNDS"] = [TransactionInvalid.InsufficientFunds,
            TransactionInvalid.InsufficientBalanceForTransfer],
        ["SenderNotEOA"] = [TransactionInvalid.SenderNotEoa],
        ["IntrinsicGas"] = [TransactionInvalid.IntrinsicGas],
        ["TR_IntrinsicGas"] = [TransactionInvalid.IntrinsicGas],
        ["TR_FeeCapLessThanBlocks"] = [TransactionInvalid.FeeCapTooLow],
        ["TransactionException.INSUFFICIENT_MAX_FEE_PER_GAS"] = [TransactionInvalid.FeeCapTooLow],
        ["TR_NonceHasMaxValue"] = [TransactionInvalid.NonceMax],
        ["TR_GasLimitReached"] = [TransactionInvalid.GasLimitReached],
        ["TR_TipGtFeeCap"] = [TransactionInvalid.TipAboveFeeCap],
        ["TR_InitCodeLimitExceeded"] = [TransactionInvalid.InitCodeTooLarge],
        ["TransactionException.INITCODE_SIZE_EXCEEDED"] = [TransactionInvalid.InitCodeTooLarge],
        ["TransactionException.INSUFFICIENT_MAX_FEE_PER_BLOB_GAS"] = [TransactionInvalid.BlobFeeTooLow],
        ["TransactionException.TYPE_3_TX_INVALID_BLOB_VERSIONED_HASH"] = [TransactionInvalid.BlobVersion],
        ["TransactionException.TYPE_3_TX_PRE_FORK"] = [TransactionInvalid.TypeNotSupported],
        ["TransactionException.TYPE_3_TX_ZERO_BLOBS"] = [TransactionInvalid.BlobsMissing],
        ["TransactionException.TYPE_3_TX_BLOB_COUNT_EXCEEDED"] = [TransactionInvalid.TooManyBlobs],
        ["TransactionException.TYPE_3_TX_MAX_BLOB_GAS_ALLOWANCE_EXCEEDED"] = [TransactionInvalid.TooManyBlobs],
        ["TransactionException.TYPE_3_TX_CONTRACT_CREATION"] = [TransactionInvalid.BlobCreation],
        ["TransactionException.TYPE_4_TX_PRE_FORK"] = [TransactionInvalid.TypeNotSupported],
        ["TransactionException.TYPE_4_EMPTY_AUTHORIZATION_LIST"] = [TransactionInvalid.AuthorizationsMissing],
        ["TransactionException.TYPE_4_TX_CONTRACT_CREATION"] = [TransactionInvalid.SetCodeCreation],
        ["TransactionException.INTRINSIC_GAS_TOO_LOW"] = [TransactionInvalid.IntrinsicGas],
        ["TransactionException.INTRINSIC_GAS_BELOW_FLOOR_GAS_COST"] = [TransactionInvalid.IntrinsicGas],
        ["TransactionException.GAS_LIMIT_EXCEEDS_MAXIMUM"] = [TransactionInvalid.GasLimitTooHigh],
        ["TransactionException.GAS_ALLOWANCE_EXCEEDED"] = [TransactionInvalid.GasLimitReached],
        ["TransactionException.SENDER_NOT_EOA"] = [TransactionInvalid.SenderNotEoa],
        ["TransactionException.NONCE_IS_MAX"] = [TransactionInvalid.NonceMax],
        ["TransactionException.PRIORITY_GREATER_THAN_MAX_FEE_PER_GAS"] = [TransactionInvalid.TipAboveFeeCap],
        ["TransactionException.NONCE_MISMATCH_TOO_LOW"] = [TransactionInvalid.NonceTooLow],
        ["TransactionException.NONCE_MISMATCH_TOO_HIGH"] = [TransactionInvalid.NonceTooHigh],
        ["TR_BLOBCREATE"] = [TransactionInvalid.BlobCreation],
        ["TR_BLOBVERSION_INVALID"] = [TransactionInvalid.BlobVersion],
        ["TR_EMPTYBLOB"] = [TransactionInvalid.BlobsMissing],
        ["TR_BLOBLIST_OVERSIZE"] = [TransactionInvalid.TooManyBlobs],
    };

    /// <summary>In files of ours, where the client that made them gives no reason.</summary>
    private const string AnyReason = "REJECTED";

    /// <summary>Names for values that do not fit their field.</summary>
    private static readonly HashSet<string> _undecodable = ["TR_RLP_WRONGVALUE", "TransactionException.RLP_INVALID_VALUE"];

    /// <summary>All .json files at or below the paths, in a fixed order.</summary>
    /// <exception cref="CommandException">A path is not there.</exception>
    public static IReadOnlyList<string> FindFiles(IEnumerable<string> paths)
    {
        var files = new List<string>();
        foreach (string path in paths)
        {
            if (File.Exists(path)) files.Add(path);
            else if (Directory.Exists(path))
                files.AddRange(Directory.EnumerateFiles(path, "*.json", SearchOption.AllDirectories).Order(StringComparer.Ordinal));
            else throw new CommandException($"no such file or folder: {path}");
        }

        return files;
    }

    /// <summary>Every case of every file, in parallel, in no particular order. Cases of forks that are not known fail.</summary>
    /// <param name="only">Null for the cases of all forks.</param>
    public static IReadOnlyList<StateTestResult> Run(IReadOnlyList<string> files, Fork? only = null, EvmTier tier = EvmTier.Auto)
    {
        // As in a node: what becomes hot is compiled beside its run, and takes over long loops.
        var rules = TransactionRules.Ethereum
            with
        { Code = new CodeCache { Hot = static hot => ThreadPool.QueueUserWorkItem(_ => hot.Compile()) } };
        var results = new ConcurrentBag<StateTestResult>();
        var options = new ParallelOptions { MaxDegreeOfParallelism = Environment.ProcessorCount };
        Parallel.ForEach(Partitioner.Create(files, EnumerablePartitionerOptions.NoBuffering), options, file =>
        {
            foreach (StateTest test in StateTest.Load(file))
            {
                // A few files hold most of the work, so their cases are shared out too.
                Parallel.ForEach(Partitioner.Create(test.Cases.Where(c => IsWanted(c, only)), EnumerablePartitionerOptions.NoBuffering),
                    options, chosen =>
                {
                    long start = Stopwatch.GetTimestamp();
                    results.Add(new StateTestResult(chosen, Run(test, chosen, tier, rules), Stopwatch.GetElapsedTime(start)));
                });
            }
        });
        return [.. results];
    }

    private static bool IsWanted(StateTestCase chosen, Fork? only) =>
        only is null || ForkNames.TryParse(chosen.ForkName, out Fork fork) && fork == only;

    private static string? Run(StateTest test, StateTestCase chosen, EvmTier tier, TransactionRules rules)
    {
        if (!ForkNames.TryParse(chosen.ForkName, out Fork fork)) return $"unknown fork {chosen.ForkName}";
        BlockContext block = test.CreateBlock(fork);
        WorldState state = test.CreateState();
        TransactionMessage? message = test.CreateMessage(chosen, fork, block.BaseFee);
        TransactionInvalid invalid = TransactionInvalid.None;
        IReadOnlyList<LogEntry> logs = [];
        if (message is not null)
        {
            ulong pool = block.GasLimit;
            TransactionOutcome outcome = new TransactionProcessor(block, fork, rules, tier)
                .Execute(message, state, null, answer: null, ref pool);
            invalid = outcome.Invalid;
            logs = outcome.Logs;
        }

        if (CheckException(chosen.Exception, message is null, invalid) is { } wrong) return wrong;
        if (chosen is { Exception: null, TransactionBytes: { } bytes }
            && StateTestBytes.Check(Hex.FromHex(bytes), message!, fork) is { } difference) return difference;
        // The tests' miner gets no reward, but is touched even when no transaction was valid.
        state.AddBalance(block.Coinbase, default);
        state.FinaliseTransaction(fork >= Fork.SpuriousDragon);
        Hash256 root = StateRoot.Compute(state.TakeChanges());
        if (root != chosen.Root) return $"state root {root}, expected {chosen.Root}";
        Hash256 logsHash = HashLogs(logs);
        return logsHash != chosen.LogsHash ? $"logs hash {logsHash}, expected {chosen.LogsHash}" : null;
    }

    private static string? CheckException(string? expected, bool undecodable, TransactionInvalid invalid)
    {
        bool rejected = undecodable || invalid != TransactionInvalid.None;
        if (expected is null) return rejected ? $"transaction rejected: {(undecodable ? "not decodable" : invalid)}" : null;
        if (!rejected) return $"transaction accepted, expected {expected}";
        string[] names = expected.Split('|');
        if (names.Contains(AnyReason)) return null;
        if (undecodable) return names.Any(_undecodable.Contains) ? null : $"transaction rejected as not decodable, expected {expected}";
        return names.Any(name => _reasons.TryGetValue(name, out TransactionInvalid[]? reasons) && reasons.Contains(invalid))
            ? null
            : $"transaction rejected for {invalid}, expected {expected}";
    }

    private static Hash256 HashLogs(IReadOnlyList<LogEntry> logs)
    {
        var writer = new RlpWriter();
        int list = writer.BeginList();
        foreach (LogEntry log in logs)
        {
            int entry = writer.BeginList();
            writer.Write(log.Address);
            int topics = writer.BeginList();
            foreach (Hash256 topic in log.Topics) writer.Write(topic);
            writer.EndList(topics);
            writer.Write(log.Data);
            writer.EndList(entry);
        }

        writer.EndList(list);
        return Keccak.Hash(writer.WrittenSpan);
    }
}
