;; The inner loops over float32 data. Assembled into kernel-bytes.ts by `node scripts/build-kernel.mjs`.
;;
;; Every function works on `bytes` bytes, a positive multiple of 64, in the one imported memory. `table` is the
;; address of `n` addresses (u32), one for each input. Nothing is fused: each product and each sum is rounded to
;; float32, as PyTorch does, so that results are equal bit for bit.
(module
  (import "host" "memory" (memory 1))

  ;; out[i] = (in0[i] + in1[i] + ...) / divisor. Returns 1 if any result is infinite or not a number, else 0.
  (func (export "mean") (param $table i32) (param $n i32) (param $out i32) (param $bytes i32) (param $divisor f32) (result i32)
    (local $i i32) (local $j i32) (local $end i32) (local $p i32)
    (local $a v128) (local $b v128) (local $c v128) (local $d v128)
    (local $div v128) (local $mask v128) (local $bad v128)
    local.get $divisor f32x4.splat local.set $div
    i32.const 0x7f800000 i32x4.splat local.set $mask
    local.get $table local.get $n i32.const 2 i32.shl i32.add local.set $end
    loop $pieces
      local.get $table i32.load local.get $i i32.add local.tee $p
      v128.load local.set $a
      local.get $p v128.load offset=16 local.set $b
      local.get $p v128.load offset=32 local.set $c
      local.get $p v128.load offset=48 local.set $d
      local.get $table i32.const 4 i32.add local.set $j
      block $summed
        loop $inputs
          local.get $j local.get $end i32.ge_u br_if $summed
          local.get $j i32.load local.get $i i32.add local.set $p
          local.get $a local.get $p v128.load f32x4.add local.set $a
          local.get $b local.get $p v128.load offset=16 f32x4.add local.set $b
          local.get $c local.get $p v128.load offset=32 f32x4.add local.set $c
          local.get $d local.get $p v128.load offset=48 f32x4.add local.set $d
          local.get $j i32.const 4 i32.add local.set $j
          br $inputs
        end
      end
      local.get $a local.get $div f32x4.div local.set $a
      local.get $b local.get $div f32x4.div local.set $b
      local.get $c local.get $div f32x4.div local.set $c
      local.get $d local.get $div f32x4.div local.set $d
      local.get $out local.get $i i32.add local.tee $p
      local.get $a v128.store
      local.get $p local.get $b v128.store offset=16
      local.get $p local.get $c v128.store offset=32
      local.get $p local.get $d v128.store offset=48
      local.get $bad
      local.get $a local.get $mask v128.and local.get $mask i32x4.eq v128.or
      local.get $b local.get $mask v128.and local.get $mask i32x4.eq v128.or
      local.get $c local.get $mask v128.and local.get $mask i32x4.eq v128.or
      local.get $d local.get $mask v128.and local.get $mask i32x4.eq v128.or
      local.set $bad
      local.get $i i32.const 64 i32.add local.tee $i
      local.get $bytes i32.lt_u br_if $pieces
    end
    local.get $bad v128.any_true)

  ;; out[i] = in0[i] * w0 + in1[i] * w1 + ..., from left to right. `weights` is the address of `n` float32.
  (func (export "weighted") (param $table i32) (param $weights i32) (param $n i32) (param $out i32) (param $bytes i32) (result i32)
    (local $i i32) (local $j i32) (local $stop i32) (local $p i32) (local $w v128)
    (local $a v128) (local $b v128) (local $c v128) (local $d v128) (local $mask v128) (local $bad v128)
    i32.const 0x7f800000 i32x4.splat local.set $mask
    local.get $n i32.const 2 i32.shl local.set $stop
    loop $pieces
      local.get $weights v128.load32_splat local.set $w
      local.get $table i32.load local.get $i i32.add local.set $p
      local.get $p v128.load local.get $w f32x4.mul local.set $a
      local.get $p v128.load offset=16 local.get $w f32x4.mul local.set $b
      local.get $p v128.load offset=32 local.get $w f32x4.mul local.set $c
      local.get $p v128.load offset=48 local.get $w f32x4.mul local.set $d
      i32.const 4 local.set $j
      block $summed
        loop $inputs
          local.get $j local.get $stop i32.ge_u br_if $summed
          local.get $weights local.get $j i32.add v128.load32_splat local.set $w
          local.get $table local.get $j i32.add i32.load local.get $i i32.add local.set $p
          local.get $a local.get $p v128.load local.get $w f32x4.mul f32x4.add local.set $a
          local.get $b local.get $p v128.load offset=16 local.get $w f32x4.mul f32x4.add local.set $b
          local.get $c local.get $p v128.load offset=32 local.get $w f32x4.mul f32x4.add local.set $c
          local.get $d local.get $p v128.load offset=48 local.get $w f32x4.mul f32x4.add local.set $d
          local.get $j i32.const 4 i32.add local.set $j
          br $inputs
        end
      end
      local.get $out local.get $i i32.add local.tee $p
      local.get $a v128.store
      local.get $p local.get $b v128.store offset=16
      local.get $p local.get $c v128.store offset=32
      local.get $p local.get $d v128.store offset=48
      local.get $bad
      local.get $a local.get $mask v128.and local.get $mask i32x4.eq v128.or
      local.get $b local.get $mask v128.and local.get $mask i32x4.eq v128.or
      local.get $c local.get $mask v128.and local.get $mask i32x4.eq v128.or
      local.get $d local.get $mask v128.and local.get $mask i32x4.eq v128.or
      local.set $bad
      local.get $i i32.const 64 i32.add local.tee $i
      local.get $bytes i32.lt_u br_if $pieces
    end
    local.get $bad v128.any_true)

  ;; out[i] = in0[i] xor in1[i] xor ..., bit by bit.
  (func (export "fold") (param $table i32) (param $n i32) (param $out i32) (param $bytes i32)
    (local $i i32) (local $j i32) (local $end i32) (local $p i32)
    (local $a v128) (local $b v128) (local $c v128) (local $d v128)
    local.get $table local.get $n i32.const 2 i32.shl i32.add local.set $end
    loop $pieces
      local.get $table i32.load local.get $i i32.add local.tee $p
      v128.load local.set $a
      local.get $p v128.load offset=16 local.set $b
      local.get $p v128.load offset=32 local.set $c
      local.get $p v128.load offset=48 local.set $d
      local.get $table i32.const 4 i32.add local.set $j
      block $folded
        loop $inputs
          local.get $j local.get $end i32.ge_u br_if $folded
          local.get $j i32.load local.get $i i32.add local.set $p
          local.get $a local.get $p v128.load v128.xor local.set $a
          local.get $b local.get $p v128.load offset=16 v128.xor local.set $b
          local.get $c local.get $p v128.load offset=32 v128.xor local.set $c
          local.get $d local.get $p v128.load offset=48 v128.xor local.set $d
          local.get $j i32.const 4 i32.add local.set $j
          br $inputs
        end
      end
      local.get $out local.get $i i32.add local.tee $p
      local.get $a v128.store
      local.get $p local.get $b v128.store offset=16
      local.get $p local.get $c v128.store offset=32
      local.get $p local.get $d v128.store offset=48
      local.get $i i32.const 64 i32.add local.tee $i
      local.get $bytes i32.lt_u br_if $pieces
    end)

  ;; Returns 1 if any element is infinite or not a number, else 0.
  (func (export "nonfinite") (param $p i32) (param $bytes i32) (result i32)
    (local $end i32) (local $mask v128) (local $bad v128)
    i32.const 0x7f800000 i32x4.splat local.set $mask
    local.get $p local.get $bytes i32.add local.set $end
    loop $pieces
      local.get $bad
      local.get $p v128.load local.get $mask v128.and local.get $mask i32x4.eq v128.or
      local.get $p v128.load offset=16 local.get $mask v128.and local.get $mask i32x4.eq v128.or
      local.get $p v128.load offset=32 local.get $mask v128.and local.get $mask i32x4.eq v128.or
      local.get $p v128.load offset=48 local.get $mask v128.and local.get $mask i32x4.eq v128.or
      local.set $bad
      local.get $p i32.const 64 i32.add local.tee $p
      local.get $end i32.lt_u br_if $pieces
    end
    local.get $bad v128.any_true)

  ;; Sort the inputs element by element, in place, by a network of `count` comparators: `pairs` is the address of
  ;; 2 * count positions (u32) in the table. Numbers only: a NaN would spread.
  (func (export "sort") (param $table i32) (param $pairs i32) (param $count i32) (param $bytes i32)
    (local $pair i32) (local $last i32) (local $block i32) (local $blockEnd i32)
    (local $low i32) (local $high i32) (local $lowEnd i32)
    (local $x v128) (local $y v128)
    local.get $pairs local.get $count i32.const 3 i32.shl i32.add local.set $last
    ;; Blocks of 2 KB from each input stay in the first cache for the whole network.
    loop $blocks
      local.get $block i32.const 2048 i32.add local.tee $blockEnd
      local.get $bytes i32.gt_u
      if
        local.get $bytes local.set $blockEnd
      end
      local.get $pairs local.set $pair
      block $sorted
        loop $network
          local.get $pair local.get $last i32.ge_u br_if $sorted
          local.get $table local.get $pair i32.load i32.const 2 i32.shl i32.add i32.load
          local.tee $low local.get $blockEnd i32.add local.set $lowEnd
          local.get $low local.get $block i32.add local.set $low
          local.get $table local.get $pair i32.load offset=4 i32.const 2 i32.shl i32.add i32.load
          local.get $block i32.add local.set $high
          loop $elements
            local.get $low v128.load local.set $x
            local.get $high v128.load local.set $y
            local.get $low local.get $x local.get $y f32x4.min v128.store
            local.get $high local.get $x local.get $y f32x4.max v128.store
            local.get $low v128.load offset=16 local.set $x
            local.get $high v128.load offset=16 local.set $y
            local.get $low local.get $x local.get $y f32x4.min v128.store offset=16
            local.get $high local.get $x local.get $y f32x4.max v128.store offset=16
            local.get $high i32.const 32 i32.add local.set $high
            local.get $low i32.const 32 i32.add local.tee $low
            local.get $lowEnd i32.lt_u br_if $elements
          end
          local.get $pair i32.const 8 i32.add local.set $pair
          br $network
        end
      end
      local.get $blockEnd local.tee $block
      local.get $bytes i32.lt_u br_if $blocks
    end)

  ;; The squared Euclidean distance of two inputs: differences and squares in float32, sums of at most 64 of them
  ;; in float32, everything above in float64.
  (func (export "distance") (param $p i32) (param $q i32) (param $bytes i32) (result f64)
    (local $end i32) (local $blockEnd i32) (local $x v128) (local $y v128) (local $sum v128) (local $total v128)
    local.get $p local.get $bytes i32.add local.set $end
    loop $blocks
      local.get $p i32.const 512 i32.add local.tee $blockEnd
      local.get $end i32.gt_u
      if
        local.get $end local.set $blockEnd
      end
      i32.const 0 i32x4.splat local.set $sum
      loop $elements
        local.get $p v128.load local.get $q v128.load f32x4.sub local.tee $x
        local.get $x f32x4.mul
        local.get $p v128.load offset=16 local.get $q v128.load offset=16 f32x4.sub local.tee $y
        local.get $y f32x4.mul
        f32x4.add local.get $sum f32x4.add local.set $sum
        local.get $q i32.const 32 i32.add local.set $q
        local.get $p i32.const 32 i32.add local.tee $p
        local.get $blockEnd i32.lt_u br_if $elements
      end
      local.get $total
      local.get $sum f64x2.promote_low_f32x4 f64x2.add
      local.get $sum local.get $sum i8x16.shuffle 8 9 10 11 12 13 14 15 0 1 2 3 4 5 6 7
      f64x2.promote_low_f32x4 f64x2.add
      local.set $total
      local.get $p local.get $end i32.lt_u br_if $blocks
    end
    local.get $total f64x2.extract_lane 0
    local.get $total f64x2.extract_lane 1
    f64.add))
