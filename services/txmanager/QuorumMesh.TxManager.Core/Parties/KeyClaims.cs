using QuorumMesh.Contracts;
using QuorumMesh.TxManager.Core.Identities;

namespace QuorumMesh.TxManager.Core.Parties;

/// <summary>
/// Decides which keys a URL has. A party info may be anyone's, so that a key counts only when its URL proves it; and where another URL has
/// proven it first, it stays there: a Tessera proves its keys for anyone who hands the challenge on. It goes to another URL by
/// configuration, or when its own has not proven it for a long time. A key that is pinned to an identity goes only where that is shown.
/// </summary>
/// <param name="identities">Null: nothing is pinned.</param>
internal sealed class KeyClaims(PartySettings settings, PartyDirectory directory, KeyProver prover, PeerIdentities? identities)
{
    /// <summary>Proofs that one party info may cause: of an unknown manager, and of one that is configured or has proven a key.</summary>
    private const int MaxOfStranger = 8;
    private const int MaxOfKnown = 100;

    private const int Parallelism = 8;

    private readonly KeyHomes _homes = new(directory, prover);

    /// <summary>Takes what a URL says of itself. Keys that it has proven before and goes on naming need no new proof.</summary>
    /// <returns>Those of the claimed keys that are at this URL now.</returns>
    /// <exception cref="PrivacyException"><see cref="Failure.Busy"/>, or our own enclave is away.</exception>
    public async Task<IReadOnlyList<PublicKey>> AcceptAsync(string url, IReadOnlyList<PublicKey> claimed, CancellationToken cancel)
    {
        var known = directory.KeysOf(url);
        if (settings.BelievesConfigured && directory.IsSeed(url))
        {
            directory.Believe(url, claimed.Except(known).Where(k => identities?.IsPinned(k) != true).Take(MaxOfKnown));
            known = directory.KeysOf(url);
        }

        PublicKey[] fresh = [.. claimed.Except(known)];
        PublicKey[] gone = [.. known.Except(claimed)];
        gone = gone.Length > 0 && directory.TakeGoneCheck(url) ? gone : [];
        if (fresh.Length == 0 && gone.Length == 0)
            return claimed;
        if (directory.TryBeginProofs(url))
        {
            var isProven = false;
            try
            {
                var most = directory.IsTrusted(url) ? MaxOfKnown : MaxOfStranger;
                isProven = await ProveFreshAsync(url, [.. fresh.Take(most)], cancel).ConfigureAwait(false);
                await CheckGoneAsync(url, [.. gone.Take(most)], cancel).ConfigureAwait(false);
            }
            finally
            {
                directory.EndProofs(url, isProven);
            }
        }
        else if (claimed.Count == fresh.Length && fresh.Length > 0)
            throw new PrivacyException(Failure.Busy, $"The keys of {url} are being looked at; say it again later");
        var now = directory.KeysOf(url);
        return [.. claimed.Where(now.Contains)];
    }

    /// <summary>A manager answers: does it prove again the keys that others claim?</summary>
    public async Task CheckContestedAsync(string url, CancellationToken cancel)
    {
        foreach (var key in directory.ContestedKeys(url))
            directory.Contested(url, key, await prover.ProveAsync(url, key, cancel).ConfigureAwait(false) == Proof.Given);
    }

    /// <summary>The first alone: a URL that cannot prove it is asked no more.</summary>
    /// <returns>Whether it could.</returns>
    private async Task<bool> ProveFreshAsync(string url, PublicKey[] keys, CancellationToken cancel)
    {
        if (keys.Length == 0)
            return true;
        if (!await ProveAndTakeAsync(url, keys[0], cancel).ConfigureAwait(false))
            return false;
        var options = new ParallelOptions { MaxDegreeOfParallelism = Parallelism, CancellationToken = cancel };
        async ValueTask Take(PublicKey key, CancellationToken token) => await ProveAndTakeAsync(url, key, token).ConfigureAwait(false);
        await Parallel.ForEachAsync(keys.Skip(1), options, Take).ConfigureAwait(false);
        return true;
    }

    /// <summary>Keys that a manager names no more. The party info may be a stranger's: only its own denial counts.</summary>
    private async Task CheckGoneAsync(string url, PublicKey[] keys, CancellationToken cancel)
    {
        foreach (var key in keys)
        {
            switch (await prover.ProveAsync(url, key, cancel).ConfigureAwait(false))
            {
                case Proof.Denied:
                    directory.Drop(url, key);
                    break;
                // Down or busy: the next key would only wait as long again.
                case Proof.Failed:
                    return;
            }
        }
    }

    /// <returns>Whether the URL proved it, taken or not.</returns>
    private async Task<bool> ProveAndTakeAsync(string url, PublicKey key, CancellationToken cancel)
    {
        if (await prover.ProveAsync(url, key, cancel).ConfigureAwait(false) != Proof.Given)
            return false;
        // Proven and refused: the other keys are looked at all the same.
        if (identities is not null && !await identities.AdmitsAsync(url, key, cancel).ConfigureAwait(false))
            return true;
        if (await _homes.GiveWayAsync(key, url, cancel).ConfigureAwait(false))
            directory.Learn(url, key);
        else
            // It may be a second manager of the key's owner: it hears of us, but has the key not.
            directory.Meet(url);
        return true;
    }
}
