using QuorumMesh.Contracts;
using QuorumMesh.TxManager.Core.Keys;
using QuorumMesh.TxManager.Core.Parties;
using QuorumMesh.TxManager.Core.Ports;

namespace QuorumMesh.TxManager.Core.Distribution;

/// <summary>How a recovery ended; the numbers are Tessera's exit codes (tessera 9.2).</summary>
public enum RecoveryResult
{
    /// <summary>Every known manager gave back what it has, and all of it is stored.</summary>
    Complete = 0,

    /// <summary>Some managers did not answer, or some payloads cannot be stored.</summary>
    Partial = 1,

    /// <summary>No manager could be asked. Tessera calls that a success.</summary>
    Failed = 2,
}

/// <summary>
/// Has every other manager give back what it had to do with our keys (tessera 2.5, 9.2), in rounds, until nothing is left that builds on a
/// payload which is not here. What is here already is passed over: the store may have lost all or some, and a run that was killed is simply
/// started again.
/// </summary>
/// <param name="intake">What the other managers' calls go to.</param>
public sealed class Recovery(
    PartySettings settings, PartyDirectory directory, OwnKeys ownKeys, IPeerClient peers, RecoveryIntake intake, TimeProvider clock)
{
    /// <summary>Tessera's: payloads in one batch (tessera 2.5). A peer that cannot send so many at once is asked for fewer.</summary>
    private const int BatchSize = 100;

    private const int Attempts = 5;

    /// <summary>Managers that are asked at once.</summary>
    private const int Parallelism = 4;

    /// <summary>Each round stores something that the one before could not; a chain of payloads is seldom longer than two.</summary>
    private const int MaxRounds = 64;

    private static readonly TimeSpan LookAgain = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan ProgressInterval = TimeSpan.FromSeconds(10);

    /// <summary>A line for the log.</summary>
    public event Action<string>? Told;

    /// <summary>How long is waited for peers that do not answer. Tessera waits ten seconds for all, whether they do or not.</summary>
    public TimeSpan PeerWait { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>How long the enclave, and peers that answer and do not know our keys, are waited for.</summary>
    public TimeSpan Patience { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Between two attempts at one peer.</summary>
    public TimeSpan Pause { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>Asks all of them. This manager must listen, be known by its poller, and hand what comes to the intake.</summary>
    public async Task<RecoveryResult> RunAsync(CancellationToken cancel)
    {
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        var progress = TellProgressAsync(ended.Token);
        try
        {
            return await AskAllAsync(cancel).ConfigureAwait(false);
        }
        finally
        {
            await ended.CancelAsync().ConfigureAwait(false);
            await progress.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private async Task<RecoveryResult> AskAllAsync(CancellationToken cancel)
    {
        var start = clock.GetTimestamp();
        if (await KeysAsync(cancel).ConfigureAwait(false) is not { } keys)
            return RecoveryResult.Failed;
        await UntilAsync(() => Task.FromResult(directory.IsSettled), PeerWait, cancel).ConfigureAwait(false);
        var found = directory.Trusted();
        var (asked, missed) = (0, 0);
        foreach (var (url, _) in found.Where(p => !p.Answers))
        {
            missed++;
            Told?.Invoke($"{url} does not answer: what it has of our keys was not asked for");
        }

        for (var (round, before) = (1, long.MaxValue); round <= MaxRounds; round++, before = intake.Deferred)
        {
            intake.BeginRound();
            (asked, var failed) = await RoundAsync([.. found.Where(p => p.Answers).Select(p => p.Url)], keys, cancel)
                .ConfigureAwait(false);
            missed = found.Count(p => !p.Answers) + failed;
            if (intake.Deferred == 0 || intake.IsLastRound || asked == 0)
                break;
            // As many as before: what they build on is nowhere, and a payload without it is better than none (tessera 8.3).
            intake.IsLastRound = intake.Deferred >= before || round == MaxRounds - 1;
        }

        return Conclude(asked, missed, clock.GetElapsedTime(start));
    }

    private RecoveryResult Conclude(int asked, int missed, TimeSpan took)
    {
        var result = asked == 0 ? RecoveryResult.Failed
            : missed > 0 || intake.Refused > 0 || intake.Deferred > 0 ? RecoveryResult.Partial : RecoveryResult.Complete;
        Told?.Invoke(
            $"Recovery ended after {took.TotalSeconds:0.0} s: {result.ToString().ToLowerInvariant()}. {intake.Taken} payloads were given "
            + $"back and are stored, {intake.Refused} refused; {asked} times a manager gave all that it has of a key, {missed} times not"
            + (result == RecoveryResult.Complete ? ""
                : ". Run it again once the others are up; what is stored is passed over"));
        return result;
    }

    /// <returns>Null when the enclave does not answer.</returns>
    private async Task<IReadOnlyList<PublicKey>?> KeysAsync(CancellationToken cancel)
    {
        var problem = "it has no key";
        await UntilAsync(async () =>
        {
            try
            {
                return (await ownKeys.AnnouncedAsync(cancel).ConfigureAwait(false)).Count > 0;
            }
            catch (PrivacyException e)
            {
                problem = e.Message;
                return false;
            }
        }, Patience, cancel).ConfigureAwait(false);
        if (ownKeys.ActiveOrNull is { Count: > 0 })
            return await ownKeys.AnnouncedAsync(cancel).ConfigureAwait(false);
        Told?.Invoke($"Nothing can be recovered without the enclave: {problem}");
        return null;
    }

    private async Task<(int Asked, int Failed)> RoundAsync(
        IReadOnlyList<string> urls, IReadOnlyList<PublicKey> keys, CancellationToken cancel)
    {
        var (asked, failed) = (0, 0);
        await Parallel.ForEachAsync(
            urls, new ParallelOptions { MaxDegreeOfParallelism = Parallelism, CancellationToken = cancel },
            async (url, token) =>
            {
                foreach (var key in await KnownKeysAsync(url, keys, token).ConfigureAwait(false))
                    if (key.IsKnown && await TryPeerAsync(url, key.Key, token).ConfigureAwait(false))
                        Interlocked.Increment(ref asked);
                    else
                        Interlocked.Increment(ref failed);
            }).ConfigureAwait(false);
        return (asked, failed);
    }

    /// <summary>
    /// Our keys that a manager knows to be ours: asked about another one it answers that there is nothing to give back. One that has the
    /// same keys, as behind a balancer, has nothing else than we.
    /// </summary>
    private async Task<IReadOnlyList<(PublicKey Key, bool IsKnown)>> KnownKeysAsync(
        string url, IReadOnlyList<PublicKey> keys, CancellationToken cancel)
    {
        IReadOnlyList<KnownKey>? there = null;
        bool IsAt(PublicKey key, string home) => there!.Any(k => k.Key == key && PeerUrl.Normalize(k.Url) == home);
        PublicKey[] Strange() => [.. keys.Where(k => !IsAt(k, settings.OwnUrl) && !IsAt(k, url))];
        await UntilAsync(async () =>
        {
            try
            {
                there = await peers.KnownKeysAsync(url, cancel).ConfigureAwait(false);
                return Strange().Length == 0;
            }
            catch (PrivacyException e)
            {
                // It refuses to tell: asked all the same.
                return e.Failure == Failure.PeerRefused;
            }
        }, Patience, cancel).ConfigureAwait(false);
        if (there is null)
            return [.. keys.Select(k => (k, true))];
        foreach (var key in Strange())
            Told?.Invoke($"{url} does not know that the key {key.ToBase64()} is at {settings.OwnUrl}: it was not asked for it");
        return [.. keys.Where(k => !IsAt(k, url)).Select(k => (k, IsAt(k, settings.OwnUrl)))];
    }

    private async Task<bool> TryPeerAsync(string url, PublicKey key, CancellationToken cancel)
    {
        var size = BatchSize;
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                await AskAsync(url, key, size, cancel).ConfigureAwait(false);
                return true;
            }
            catch (PrivacyException e) when (attempt < Attempts)
            {
                Told?.Invoke($"{url} did not give back all of {key.ToBase64()}, and is asked again: {e.Message}");
                // Perhaps a batch is longer than it may be here, or takes longer to store than the peer waits.
                size = Math.Max(1, size / 4);
                await Task.Delay(Pause, clock, cancel).ConfigureAwait(false);
            }
            catch (PrivacyException e)
            {
                Told?.Invoke($"{url} did not give back all of {key.ToBase64()}: {e.Message}");
                return false;
            }
        }
    }

    private async Task AskAsync(string url, PublicKey key, int size, CancellationToken cancel)
    {
        try
        {
            await peers.ResendBatchAsync(url, key, size, cancel).ConfigureAwait(false);
        }
        catch (PrivacyException e) when (e.Failure == Failure.NotFound)
        {
            // A manager from before the batches (tessera 2.5).
            await peers.ResendAllAsync(url, key, cancel).ConfigureAwait(false);
        }
    }

    private async Task UntilAsync(Func<Task<bool>> condition, TimeSpan patience, CancellationToken cancel)
    {
        var start = clock.GetTimestamp();
        while (!await condition().ConfigureAwait(false) && clock.GetElapsedTime(start) < patience)
            await Task.Delay(LookAgain, clock, cancel).ConfigureAwait(false);
    }

    private async Task TellProgressAsync(CancellationToken cancel)
    {
        while (true)
        {
            await Task.Delay(ProgressInterval, clock, cancel).ConfigureAwait(false);
            Told?.Invoke($"Recovery goes on: {intake.Taken} payloads were given back and are stored, {intake.Refused} refused");
        }
    }
}
