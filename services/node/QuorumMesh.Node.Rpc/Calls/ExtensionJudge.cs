using System.Collections.Concurrent;
using QuorumMesh.Chain.Extension;
using QuorumMesh.Chain.Payloads;
using QuorumMesh.Node.Runtime;
using QuorumMesh.Node.Runtime.Ports;
using QuorumMesh.Primitives;
using QuorumMesh.State;

namespace QuorumMesh.Node.Rpc.Calls;

/// <summary>
/// Which extensions stand in the way of others: any party of some private transaction can make a contract that says it extends this one.
/// One counts only where who began it may: with flag 0 that is this participant, who has such an extension to itself; with flags 1 to 3
/// whoever sent what the contract is known by.
/// </summary>
internal sealed class ExtensionJudge(INode node)
{
    /// <summary>
    /// Looked at in one go, before a send; more are strangers' mischief, and bring down no more than what GoQuorum lacks.
    /// </summary>
    private const int MostMoving = 1_024;

    private const int MostRemembered = 4_096;

    /// <summary>By what began the extension and what the contract is known by.</summary>
    private readonly ConcurrentDictionary<(PayloadHash Begun, PayloadHash? Contract), bool> _judged = new();

    /// <summary>Contracts whose state is on its way to a new party, with their management contracts.</summary>
    public async ValueTask<IReadOnlyDictionary<Address, Address>> MovingAsync(CancellationToken cancellation)
    {
        var found = new List<(ContractExtension Extension, PrivacyMetadata? Metadata)>();
        using (var view = node.OpenView())
        {
            var state = view.PrivateState(Math.Min(view.Head, view.PrivateHead));
            foreach (var extension in view.Moving.Take(MostMoving))
                if (state.GetAccount(extension.Contract) is { } account && account.CodeHash != Hash256.EmptyCode)
                    found.Add((extension, account.Privacy));
        }
        var moving = new Dictionary<Address, Address>();
        foreach (var (extension, metadata) in found)
            if (await MayBeTrueAsync(extension, metadata, cancellation).ConfigureAwait(false))
                moving[extension.Contract] = extension.Management;
        return moving;
    }

    /// <param name="metadata">The contract's; null with flag 0.</param>
    /// <returns>False too when the manager cannot tell: nothing can be sent by it then.</returns>
    public async ValueTask<bool> MayBeTrueAsync(
        ContractExtension extension, PrivacyMetadata? metadata, CancellationToken cancellation)
    {
        if (extension.CreationPayload is not { } begun) return false;
        if (_judged.TryGetValue((begun, metadata?.Creation), out var known)) return known;
        try
        {
            var verdict = await IsSenderAsync(begun, cancellation).ConfigureAwait(false)
                ? await IsOwnAsync(extension, begun, metadata, cancellation).ConfigureAwait(false)
                : metadata is not null && await HaveOneSenderAsync(begun, metadata.Creation, cancellation).ConfigureAwait(false);
            if (_judged.Count >= MostRemembered) _judged.Clear();
            return _judged[(begun, metadata?.Creation)] = verdict;
        }
        catch (TransactionManagerException)
        {
            return false;
        }
    }

    private Task<bool> IsSenderAsync(PayloadHash hash, CancellationToken cancellation) =>
        node.TransactionManager.IsSenderAsync(hash, cancellation);

    /// <summary>Not code of somebody's that this participant was made to send: nothing would ever end such an extension.</summary>
    private async Task<bool> IsOwnAsync(
        ContractExtension extension, PayloadHash begun, PrivacyMetadata? metadata, CancellationToken cancellation)
    {
        var answer = await AnswerAsync(begun, cancellation).ConfigureAwait(false);
        return ManagementContract.IsCreation(answer.Payload, extension.Contract, extension.Recipient, extension.RecipientKey)
            && (metadata is null || await IsSenderAsync(metadata.Creation, cancellation).ConfigureAwait(false));
    }

    private async Task<bool> HaveOneSenderAsync(PayloadHash begun, PayloadHash creation, CancellationToken cancellation)
    {
        var one = await AnswerAsync(begun, cancellation).ConfigureAwait(false);
        var other = await AnswerAsync(creation, cancellation).ConfigureAwait(false);
        return one.SenderKey is { } key && other.SenderKey is { } creator && key.AsSpan().SequenceEqual(creator);
    }

    /// <exception cref="TransactionManagerException">It cannot be told now.</exception>
    private async Task<PayloadAnswer> AnswerAsync(PayloadHash hash, CancellationToken cancellation)
    {
        var answers = await node.TransactionManager.ReceiveAsync([hash], cancellation).ConfigureAwait(false);
        return answers is [{ IsSettled: true } answer] ? answer
            : throw new TransactionManagerException($"the manager cannot tell of payload {hash}");
    }
}
