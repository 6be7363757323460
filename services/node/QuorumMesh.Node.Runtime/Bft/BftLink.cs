using QuorumMesh.Consensus.Bft;
using QuorumMesh.Node.Runtime.Consensus;
using QuorumMesh.Node.Runtime.Ports;
using QuorumMesh.Primitives;

namespace QuorumMesh.Node.Runtime.Bft;

/// <summary>
/// Between a BFT driver and the peers: carries its effects out, and posts what the peers say. Messages are read, and their signatures
/// recovered, on the peers' own threads; what is no message of anybody ends there.
/// </summary>
public sealed class BftLink(IIstanbulNetwork network, IPeerNetwork peers) : IConsensusLink, IIstanbulHandler
{
    private Func<NodeInput, bool> _post = static _ => false;
    private Func<BftStanding>? _standing;
    private NodeEvents? _events;
    private int _owesPeers;

    /// <summary>Whose messages are worth a place in the mailbox; to be said before <see cref="Hear"/>.</summary>
    internal void Heed(Func<BftStanding> standing) => _standing = standing;

    /// <inheritdoc/>
    public void Hear(Func<NodeInput, bool> post, NodeEvents events)
    {
        (_post, _events) = (post, events);
        network.HearIstanbul(this);
        OnIstanbulPeersChanged();
    }

    /// <summary>
    /// A full mailbox drops the message: its sender counts on no single one, since rounds are changed again and again. Any stranger can
    /// make keys and sign: what no validator has signed fills no mailbox.
    /// </summary>
    public void OnIstanbul(IstanbulMessage message)
    {
        PostPeers();
        if (!BftWire.TryRead(message.Code, message.Payload.ToArray(), out var read, out var refusal)) Refuse(message, refusal.Name());
        else if (!IsHeeded(read.Sender)) Refuse(message, BftRefusal.UnknownSender.Name());
        else if (!_post(new ValidatorInput.Message(read, message))) Refuse(message, BftRefusedEvent.MailboxFull);
    }

    /// <inheritdoc/>
    public bool IsValidator(Address peer) => IsHeeded(peer);

    /// <inheritdoc/>
    public void OnIstanbulPeersChanged()
    {
        Volatile.Write(ref _owesPeers, 1);
        PostPeers();
    }

    /// <inheritdoc/>
    public void CarryOut(NetworkEffect effect)
    {
        // The loop's own turn: what a full mailbox refused has room again.
        PostPeers();
        switch ((ValidatorEffect)effect)
        {
            case ValidatorEffect.Send send:
                network.SendIstanbul(send.Code, send.Message, send.To, resend: send.Again);
                break;
            case ValidatorEffect.Announce announced:
                var (block, difficulty, voters) = announced;
                peers.BroadcastBlock(block.Hash, block.Number, block.Encode(), difficulty, voters);
                break;
        }
    }

    private bool IsHeeded(in Address signer) => _standing?.Invoke().Heeds(signer) == true;

    private void Refuse(IstanbulMessage message, string reason)
    {
        message.Release();
        _events?.Raise(new BftRefusedEvent(message.From.Address, reason));
    }

    /// <summary>Who is connected is told again as long as the mailbox refuses it: nobody else would.</summary>
    private void PostPeers()
    {
        if (Interlocked.Exchange(ref _owesPeers, 0) == 0) return;
        var connected = network.IstanbulPeers.Select(p => p.Address).ToHashSet();
        if (!_post(new ValidatorInput.PeersChanged(connected))) Volatile.Write(ref _owesPeers, 1);
    }
}
