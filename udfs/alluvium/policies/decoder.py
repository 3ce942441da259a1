class Decoder(Module):
  __parameters__ = []
  __buffers__ = []
  training : bool
  def rms(self: __torch__.Decoder, x: Tensor, w: Tensor, eps: float) -> Tensor:
    return torch.mul(torch.mul(x, torch.rsqrt(torch.add(torch.mean(torch.pow(x, 2), [-1], True), eps))), w)
  def rotate(self: __torch__.Decoder, x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    c = torch.chunk(x, 2, -1)
    return torch.add(torch.mul(x, cos), torch.mul(torch.cat([torch.neg(c[1]), c[0]], -1), sin))
  def linear(self: __torch__.Decoder, x: Tensor, w: Tensor, b: Tensor) -> Tensor:
    if torch.gt(torch.numel(b), 0):
      y = torch.linear(x, w, b)
    else:
      y = torch.linear(x, w, None)
    return y
  def angles(self: __torch__.Decoder, positions: Tensor, inv: Tensor) -> Tensor:
    f = torch.mul(torch.unsqueeze(torch.to(positions, 6), -1), inv)
    return torch.cat([f, f], -1)
  def window(self: __torch__.Decoder, t: int, width: int, inv: Tensor) -> Tensor:
    i = torch.unsqueeze(torch.arange(t, device=ops.prim.device(inv)), 1)
    j = torch.unsqueeze(torch.arange(t, device=ops.prim.device(inv)), 0)
    return torch.logical_and(torch.le(j, i), torch.gt(j, torch.sub(i, width)))
  def hidden(self: __torch__.Decoder, ids: Tensor, p: List[Tensor], dims: Tensor, scal: Tensor, inv: Tensor) -> Tensor:
    nl = int(dims[0])
    nh = int(dims[1])
    nkv = int(dims[2])
    hd = int(dims[3])
    width = int(dims[4])
    eps = float(scal[0])
    b = torch.size(ids, 0)
    t = torch.size(ids, 1)
    f = self.angles(torch.arange(t, device=ops.prim.device(inv)), inv)
    cos = torch.cos(f)
    sin = torch.sin(f)
    x = torch.embedding(p[0], ids)
    for i in range(nl):
      o = 3 + i * 18
      h = self.rms(x, p[o], eps)
      q = torch.view(self.linear(h, p[o + 1], p[o + 2]), [b, t, nh, hd])
      k = torch.view(self.linear(h, p[o + 3], p[o + 4]), [b, t, nkv, hd])
      v = torch.transpose(torch.view(self.linear(h, p[o + 5], p[o + 6]), [b, t, nkv, hd]), 1, 2)
      if torch.gt(torch.numel(p[o + 9]), 0):
        q0 = self.rms(q, p[o + 9], eps)
        k0 = self.rms(k, p[o + 10], eps)
      else:
        q0 = q
        k0 = k
      q1 = self.rotate(torch.transpose(q0, 1, 2), cos, sin)
      k1 = torch.repeat_interleave(self.rotate(torch.transpose(k0, 1, 2), cos, sin), torch.floordiv(nh, nkv), 1)
      v1 = torch.repeat_interleave(v, torch.floordiv(nh, nkv), 1)
      if torch.__and__(torch.gt(width, 0), torch.lt(width, t)):
        a = torch.scaled_dot_product_attention(q1, k1, v1, self.window(t, width, inv), 0., False)
      else:
        a = torch.scaled_dot_product_attention(q1, k1, v1, None, 0., True)
      a0 = torch.reshape(torch.transpose(a, 1, 2), [b, t, nh * hd])
      x = torch.add(x, self.linear(a0, p[o + 7], p[o + 8]))
      h0 = self.rms(x, p[o + 11], eps)
      g = torch.mul(torch.silu(self.linear(h0, p[o + 12], p[o + 13])), self.linear(h0, p[o + 14], p[o + 15]))
      x = torch.add(x, self.linear(g, p[o + 16], p[o + 17]))
    return x
  def full(self: __torch__.Decoder, ids: Tensor, start: Tensor, targets: Tensor, p: List[Tensor], dims: Tensor, scal: Tensor, inv: Tensor) -> Tensor:
    h = self.hidden(ids, p, dims, scal, inv)
    n = torch.size(targets, 1)
    d = torch.size(h, 2)
    at = torch.clamp(torch.add(torch.unsqueeze(torch.sub(start, 1), 1), torch.unsqueeze(torch.arange(n, device=ops.prim.device(inv)), 0)), 0, torch.size(ids, 1) - 1)
    x = torch.gather(h, 1, torch.expand(torch.unsqueeze(at, 2), [torch.size(ids, 0), n, d]))
    logits = torch.linear(self.rms(x, p[1], float(scal[0])), p[2], None)
    return torch.log_softmax(torch.div(logits, float(scal[1])), -1)
  def forward(self: __torch__.Decoder, ids: Tensor, start: Tensor, targets: Tensor, p: List[Tensor], dims: Tensor, scal: Tensor, inv: Tensor) -> Tuple[Tensor, Tensor]:
    lp = self.full(ids, start, targets, p, dims, scal, inv)
    logp = torch.squeeze(torch.gather(lp, 2, torch.unsqueeze(targets, 2)), 2)
    d = torch.detach(lp)
    entropy = torch.neg(torch.sum(torch.mul(torch.exp(d), d), [-1]))
    return (logp, entropy)
  def logits(self: __torch__.Decoder, ids: Tensor, p: List[Tensor], dims: Tensor, scal: Tensor, inv: Tensor) -> Tensor:
    return torch.linear(self.rms(self.hidden(ids, p, dims, scal, inv), p[1], float(scal[0])), p[2], None)
  def fuse(self: __torch__.Decoder, p: List[Tensor], dims: Tensor) -> List[Tensor]:
    nl = int(dims[0])
    f = annotate(List[Tensor], [])
    for i in range(3):
      _0 = torch.append(f, torch.detach(p[i]))
    for i in range(nl):
      o = 3 + i * 18
      _1 = torch.append(f, torch.detach(p[o]))
      _2 = torch.append(f, torch.detach(torch.cat([p[o + 1], p[o + 3], p[o + 5]], 0)))
      _3 = torch.append(f, torch.detach(torch.cat([p[o + 2], p[o + 4], p[o + 6]], 0)))
      for j in range(7, 12):
        _4 = torch.append(f, torch.detach(p[o + j]))
      _5 = torch.append(f, torch.detach(torch.cat([p[o + 12], p[o + 14]], 0)))
      _6 = torch.append(f, torch.detach(torch.cat([p[o + 13], p[o + 15]], 0)))
      _7 = torch.append(f, torch.detach(p[o + 16]))
      _8 = torch.append(f, torch.detach(p[o + 17]))
    return f
  def prefill(self: __torch__.Decoder, ids: Tensor, mask: Tensor, f: List[Tensor], dims: Tensor, scal: Tensor, inv: Tensor) -> List[Tensor]:
    nl = int(dims[0])
    nh = int(dims[1])
    nkv = int(dims[2])
    hd = int(dims[3])
    width = int(dims[4])
    samples = int(dims[5])
    total = int(dims[6])
    eps = float(scal[0])
    u = torch.size(ids, 0)
    t = torch.size(ids, 1)
    b = u * samples
    positions = torch.clamp(torch.sub(torch.cumsum(torch.to(mask, 4), 1), 1), 0, None)
    a = torch.unsqueeze(self.angles(positions, inv), 1)
    cos = torch.cos(a)
    sin = torch.sin(a)
    whole = bool(torch.all(mask))
    i0 = torch.arange(t, device=ops.prim.device(inv))
    if torch.gt(width, 0):
      causal = self.window(t, width, inv)
    else:
      causal = torch.le(torch.unsqueeze(i0, 0), torch.unsqueeze(i0, 1))
    own = torch.eq(torch.unsqueeze(i0, 0), torch.unsqueeze(i0, 1))
    seen = torch.logical_or(torch.logical_and(causal, torch.unsqueeze(torch.unsqueeze(mask, 1), 1)), own)
    state = annotate(List[Tensor], [])
    x = torch.embedding(f[0], ids)
    caches = annotate(List[Tensor], [])
    for i in range(nl):
      o = 3 + i * 12
      h = self.rms(x, f[o], eps)
      qkv = torch.view(self.linear(h, f[o + 1], f[o + 2]), [u, t, nh + 2 * nkv, hd])
      q = torch.slice(qkv, 2, 0, nh)
      k = torch.slice(qkv, 2, nh, nh + nkv)
      v = torch.transpose(torch.slice(qkv, 2, nh + nkv, nh + 2 * nkv), 1, 2)
      if torch.gt(torch.numel(f[o + 5]), 0):
        q0 = self.rms(q, f[o + 5], eps)
        k0 = self.rms(k, f[o + 6], eps)
      else:
        q0 = q
        k0 = k
      q1 = self.rotate(torch.transpose(q0, 1, 2), cos, sin)
      k1 = self.rotate(torch.transpose(k0, 1, 2), cos, sin)
      kc = torch.empty([b, nkv, total, hd], device=ops.prim.device(inv))
      vc = torch.empty([b, nkv, total, hd], device=ops.prim.device(inv))
      _0 = torch.copy_(torch.slice(kc, 2, 0, t), torch.repeat_interleave(k1, samples, 0))
      _1 = torch.copy_(torch.slice(vc, 2, 0, t), torch.repeat_interleave(v, samples, 0))
      _2 = torch.append(caches, kc)
      _3 = torch.append(caches, vc)
      k2 = torch.repeat_interleave(k1, torch.floordiv(nh, nkv), 1)
      v2 = torch.repeat_interleave(v, torch.floordiv(nh, nkv), 1)
      if torch.__and__(whole, torch.le(width, 0)):
        y = torch.scaled_dot_product_attention(q1, k2, v2, None, 0., True)
      else:
        y = torch.scaled_dot_product_attention(q1, k2, v2, seen, 0., False)
      y0 = torch.reshape(torch.transpose(y, 1, 2), [u, t, nh * hd])
      x = torch.add(x, self.linear(y0, f[o + 3], f[o + 4]))
      m = torch.chunk(self.linear(self.rms(x, f[o + 7], eps), f[o + 8], f[o + 9]), 2, -1)
      x = torch.add(x, self.linear(torch.mul(torch.silu(m[0]), m[1]), f[o + 10], f[o + 11]))
    _4 = torch.append(state, torch.repeat_interleave(torch.select(x, 1, -1), samples, 0))
    _5 = torch.append(state, torch.arange(b, device=ops.prim.device(inv)))
    _6 = torch.append(state, torch.ones([b], dtype=11, device=ops.prim.device(inv)))
    _7 = torch.append(state, torch.repeat_interleave(torch.sum(torch.to(mask, 4), [1]), samples, 0))
    after = torch.ones([b, total - t], dtype=11, device=ops.prim.device(inv))
    _8 = torch.append(state, torch.cat([torch.repeat_interleave(mask, samples, 0), after], 1))
    for i in range(2 * nl):
      _9 = torch.append(state, caches[i])
    return state
  def draw(self: __torch__.Decoder, lp: Tensor, u: Tensor, topk: int, topp: float, minp: float) -> Tensor:
    if torch.lt(topk, 0):
      nxt = torch.argmax(lp, -1)
    else:
      if torch.__and__(torch.eq(topk, 0), torch.__and__(torch.ge(topp, 1.), torch.le(minp, 0.))):
        cdf = torch.cumsum(torch.to(torch.exp(lp), 7), -1)
        at = torch.searchsorted(cdf, torch.mul(torch.unsqueeze(u, 1), torch.slice(cdf, 1, -1)), right=True)
        nxt = torch.clamp(torch.squeeze(at, 1), 0, torch.size(lp, 1) - 1)
      else:
        if torch.gt(topk, 0):
          values, ids = torch.topk(lp, ops.prim.min(topk, torch.size(lp, 1)), -1)
        else:
          values, ids = torch.sort(lp, -1, True)
        p = torch.softmax(torch.to(values, 7), -1)
        kept = torch.lt(torch.sub(torch.cumsum(p, -1), p), topp)
        p0 = torch.mul(p, torch.to(kept, 7))
        p1 = torch.mul(p0, torch.to(torch.ge(p0, torch.mul(torch.slice(p0, 1, 0, 1), minp)), 7))
        cdf0 = torch.cumsum(p1, -1)
        at0 = torch.searchsorted(cdf0, torch.mul(torch.unsqueeze(u, 1), torch.slice(cdf0, 1, -1)), right=True)
        nxt = torch.squeeze(torch.gather(ids, 1, torch.clamp(at0, 0, torch.size(ids, 1) - 1)), 1)
    return nxt
  def decode(self: __torch__.Decoder, state: List[Tensor], f: List[Tensor], dims: Tensor, scal: Tensor, inv: Tensor, u: Tensor, stops: Tensor) -> List[Tensor]:
    nl = int(dims[0])
    nh = int(dims[1])
    nkv = int(dims[2])
    hd = int(dims[3])
    width = int(dims[4])
    n = int(dims[5])
    total = int(dims[6])
    first = int(dims[7])
    topk = int(dims[8])
    padded = int(dims[9])
    eps = float(scal[0])
    temperature = float(scal[1])
    topp = float(scal[2])
    minp = float(scal[3])
    group = torch.floordiv(nh, nkv)
    last = state[0]
    rows = state[1]
    alive = state[2]
    lengths = state[3]
    mask = state[4]
    caches = annotate(List[Tensor], [])
    for i in range(2 * nl):
      _0 = torch.append(caches, state[5 + i])
    a = self.angles(torch.arange(total, device=ops.prim.device(inv)), inv)
    coss = torch.cos(a)
    sins = torch.sin(a)
    rowsall = torch.size(u, 0)
    out = torch.zeros([rowsall, n], dtype=4, device=ops.prim.device(inv))
    lps = torch.zeros([rowsall, n], dtype=6, device=ops.prim.device(inv))
    ents = torch.zeros([rowsall, n], dtype=6, device=ops.prim.device(inv))
    s = 0
    going = True
    while going:
      lp = torch.log_softmax(torch.div(torch.linear(self.rms(last, f[1], eps), f[2], None), temperature), -1)
      nxt = self.draw(lp, torch.index_select(torch.select(u, 1, s), 0, rows), topk, topp, minp)
      _1 = torch.index_copy_(torch.select(out, 1, s), 0, rows, nxt)
      _2 = torch.index_copy_(torch.select(lps, 1, s), 0, rows, torch.squeeze(torch.gather(lp, 1, torch.unsqueeze(nxt, 1)), 1))
      _3 = torch.index_copy_(torch.select(ents, 1, s), 0, rows, torch.neg(torch.sum(torch.mul(torch.exp(lp), lp), [-1])))
      alive = torch.logical_and(alive, torch.logical_not(torch.isin(nxt, stops)))
      live = int(torch.sum(alive))
      pos = first + s
      s = s + 1
      if torch.__or__(torch.eq(live, 0), torch.ge(pos + 1, total)):
        going = False
      else:
        if torch.le(live * 4, torch.size(rows, 0) * 3):
          keep = torch.squeeze(torch.nonzero(alive), 1)
          rows = torch.index_select(rows, 0, keep)
          nxt = torch.index_select(nxt, 0, keep)
          alive = torch.index_select(alive, 0, keep)
          lengths = torch.index_select(lengths, 0, keep)
          mask = torch.index_select(mask, 0, keep)
          for i in range(2 * nl):
            fresh = torch.empty([torch.size(keep, 0), nkv, total, hd], device=ops.prim.device(inv))
            _4 = torch.copy_(torch.slice(fresh, 2, 0, pos), torch.index_select(torch.slice(caches[i], 2, 0, pos), 0, keep))
            _5 = torch._set_item(caches, i, fresh)
        b = torch.size(rows, 0)
        cos = torch.unsqueeze(torch.index_select(coss, 0, lengths), 1)
        sin = torch.unsqueeze(torch.index_select(sins, 0, lengths), 1)
        begin = 0
        if torch.__and__(torch.gt(width, 0), torch.gt(pos + 1, width)):
          begin = pos + 1 - width
        x = torch.embedding(f[0], nxt)
        for i in range(nl):
          o = 3 + i * 12
          qkv = torch.view(self.linear(self.rms(x, f[o], eps), f[o + 1], f[o + 2]), [b, nh + 2 * nkv, hd])
          q = torch.slice(qkv, 1, 0, nh)
          k = torch.slice(qkv, 1, nh, nh + nkv)
          if torch.gt(torch.numel(f[o + 5]), 0):
            q0 = self.rotate(self.rms(q, f[o + 5], eps), cos, sin)
            k0 = self.rotate(self.rms(k, f[o + 6], eps), cos, sin)
          else:
            qk = self.rotate(torch.slice(qkv, 1, 0, nh + nkv), cos, sin)
            q0 = torch.slice(qk, 1, 0, nh)
            k0 = torch.slice(qk, 1, nh, nh + nkv)
          kc = caches[2 * i]
          vc = caches[2 * i + 1]
          _6 = torch.copy_(torch.select(kc, 2, pos), k0)
          _7 = torch.copy_(torch.select(vc, 2, pos), torch.slice(qkv, 1, nh + nkv, nh + 2 * nkv))
          q1 = torch.view(torch.contiguous(q0), [b, nkv, group, hd])
          k1 = torch.slice(kc, 2, begin, pos + 1)
          v1 = torch.slice(vc, 2, begin, pos + 1)
          if torch.gt(padded, 0):
            seen = torch.unsqueeze(torch.unsqueeze(torch.slice(mask, 1, begin, pos + 1), 1), 1)
            y = torch.scaled_dot_product_attention(q1, k1, v1, seen, 0., False)
          else:
            y = torch.scaled_dot_product_attention(q1, k1, v1, None, 0., False)
          x = torch.add(x, self.linear(torch.reshape(y, [b, nh * hd]), f[o + 3], f[o + 4]))
          m = torch.chunk(self.linear(self.rms(x, f[o + 7], eps), f[o + 8], f[o + 9]), 2, -1)
          x = torch.add(x, self.linear(torch.mul(torch.silu(m[0]), m[1]), f[o + 10], f[o + 11]))
        last = x
        lengths = torch.add(lengths, 1)
        going = torch.lt(s, n)
    result = [out, lps, ents, last, rows, alive, lengths, mask]
    for i in range(2 * nl):
      _8 = torch.append(result, caches[i])
    return result
