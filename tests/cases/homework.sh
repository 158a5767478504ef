# Check a student's answers: the derivative of each function at a point, to four significant digits.
# answers.txt has lines of: function, point, the student's derivative.
wrong=0
while read -r function point answer; do
  right=$(gradcalc eval "$function" "$point" --only derivative --digits 4) || exit 2
  given=$(gradcalc eval identity "$answer" --only value --digits 4) || exit 2
  if [ "$given" = "$right" ]; then
    echo "$function at $point: right"
  else
    echo "$function at $point: $given, but it is $right"
    wrong=1
  fi
done < answers.txt
exit $wrong
