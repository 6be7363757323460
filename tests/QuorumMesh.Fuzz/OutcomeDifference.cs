using QuorumMesh.Evm;
using QuorumMesh.Primitives;
using QuorumMesh.State;

namespace QuorumMesh.Fuzz;

/// <summary>Holds two runs of one case against each other.</summary>
internal static class OutcomeDifference
{
    /// <summary>Null when there is none. An exception is a difference even when both runs end in it.</summary>
    public static string? Find(FuzzOutcome interpreted, FuzzOutcome compiled)
    {
        if (interpreted.Thrown is not null || compiled.Thrown is not null)
            return $"exception: interpreted {interpreted.Thrown ?? "none"}; compiled {compiled.Thrown ?? "none"}";
        EvmResult a = interpreted.Result;
        EvmResult b = compiled.Result;
        if (a.Status != b.Status) return Text("status", a.Status, b.Status);
        if (a.GasLeft != b.GasLeft) return Text("gas left", a.GasLeft, b.GasLeft);
        if (!a.Output.AsSpan().SequenceEqual(b.Output)) return Text("output", Hex.ToHex(a.Output), Hex.ToHex(b.Output));
        if (a.Created != b.Created) return Text("created address", a.Created, b.Created);
        if (interpreted.Refund != compiled.Refund) return Text("refund", interpreted.Refund, compiled.Refund);
        return OfLogs(interpreted.Logs, compiled.Logs) ?? OfChanges("public ", interpreted.Public, compiled.Public)
            ?? OfChanges("private ", interpreted.Private, compiled.Private);
    }

    private static string Text(string what, object? interpreted, object? compiled) =>
        $"{what}: interpreted {interpreted}, compiled {compiled}";

    private static string? OfLogs(IReadOnlyList<LogEntry> a, IReadOnlyList<LogEntry> b)
    {
        if (a.Count != b.Count) return Text("number of logs", a.Count, b.Count);
        for (int i = 0; i < a.Count; i++)
        {
            if (a[i].Address != b[i].Address || !a[i].Topics.AsSpan().SequenceEqual(b[i].Topics)
                || !a[i].Data.AsSpan().SequenceEqual(b[i].Data))
                return Text($"log {i}", Show(a[i]), Show(b[i]));
        }

        return null;
    }

    private static string Show(LogEntry log) => $"{log.Address} [{string.Join(", ", log.Topics)}] {Hex.ToHex(log.Data)}";

    private static string? OfChanges(string which, StateChangeSet a, StateChangeSet b)
    {
        if (ReferenceEquals(a, b)) return null;
        if (a.Accounts.Count != b.Accounts.Count) return Text(which + "accounts changed", a.Accounts.Count, b.Accounts.Count);
        foreach ((Address address, AccountChange x) in a.Accounts)
        {
            if (!b.Accounts.TryGetValue(address, out AccountChange? y)) return Text($"{which}account {address}", "changed", "unchanged");
            if (x.Old != y.Old || x.New != y.New || x.StorageWiped != y.StorageWiped)
                return Text($"{which}account {address}", x.New, y.New);
            if (x.Storage.Count != y.Storage.Count) return Text($"{which}slots changed of {address}", x.Storage.Count, y.Storage.Count);
            foreach ((UInt256 slot, (UInt256 Old, UInt256 New) value) in x.Storage)
            {
                if (!y.Storage.TryGetValue(slot, out (UInt256 Old, UInt256 New) other) || other != value)
                    return Text($"{which}slot {slot} of {address}", value.New, other.New);
            }
        }

        return null;
    }
}
