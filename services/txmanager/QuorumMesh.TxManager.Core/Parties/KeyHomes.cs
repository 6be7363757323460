using QuorumMesh.Contracts;

namespace QuorumMesh.TxManager.Core.Parties;

/// <summary>
/// Whether the URLs that have proven a key let another one have it: a proof alone takes it from nobody who still proves it, for a thief
/// of the key can give one too.
/// </summary>
internal sealed class KeyHomes(PartyDirectory directory, KeyProver prover)
{
    /// <summary>Whether a URL that has proven a key may have it, by all others that have it.</summary>
    public async Task<bool> GiveWayAsync(PublicKey key, string url, CancellationToken cancel)
    {
        foreach (var home in directory.OtherHomes(key, url))
            if (!await GivesWayAsync(home, key, url, cancel).ConfigureAwait(false))
                return false;
        return true;
    }

    /// <summary>Whether the URL that has a key lets another one have it, too or instead.</summary>
    private async Task<bool> GivesWayAsync(string home, PublicKey key, string url, CancellationToken cancel)
    {
        var name = $"The key {key.ToBase64()} of {home}";
        // Anyone may have said it in that peer's name.
        if (directory.IsBelieved(home, key))
        {
            if (await prover.ProveAsync(home, key, cancel).ConfigureAwait(false) != Proof.Given)
            {
                directory.Drop(home, key);
                return true;
            }

            directory.Learn(home, key);
        }

        // The operator's word outweighs who came first.
        if (directory.IsSeed(url) && !directory.IsSeed(home))
        {
            directory.Drop(home, key);
            directory.Announce($"{name} MOVES to {url}, which proves it and is configured as a peer");
            return true;
        }

        // A challenge that names its URL cannot be handed on: both hold the key, so either may be sent to.
        if (directory.IsSeed(url) && await prover.ProveNamedAsync(url, key, cancel).ConfigureAwait(false) == Proof.Given)
        {
            directory.Announce($"{name} is at {url} too, both are configured as peers and prove it: two managers of one participant");
            return true;
        }

        var isProven = await prover.ProveAsync(home, key, cancel).ConfigureAwait(false) == Proof.Given;
        var unproven = directory.Contested(home, key, isProven);
        // An outage must not give the key to whoever waits for one.
        if (!isProven && unproven >= directory.Settings.KeyMoveAfter)
        {
            directory.Drop(home, key);
            directory.Announce(
                $"{name} MOVES to {url}, which proves it: {home} has not proven it for {directory.Settings.KeyMoveAfter}. If its owner did "
                    + "not move it, a stranger may receive what is sent to it");
            return true;
        }

        directory.Refused(
            $"{name} is claimed by {url} and stays where it is; to move it, configure {url} as a peer",
            isProven ? ": its URL proves it" : $": its URL has not proven it for {unproven:c} of {directory.Settings.KeyMoveAfter:c}");
        return false;
    }
}
